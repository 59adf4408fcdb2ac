"""Records as they should be, decoded many at a time into columns; whatever differs is left to `rules`.

A `Shape` takes only records without any problem of `rules.shape_problems`, but for keys that are named twice
and texts that are blank, which its user looks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import accumulate, chain, pairwise
from operator import add
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tunedrop.dataset.formats import SourceFormat


class Columns(Struct):
    """What many records hold, a list a thing: `prompts` are what comes before the answers, `texts` all turns.

    `turns` counts records by their turns, `roles` turns; `keys` is how many keys all their JSON objects have.
    """

    prompts: list[str]
    answers: list[str]
    texts: list[str]
    systems: list[str]
    characters: list[int]
    turns: dict[int, int]
    roles: dict[str, int]
    keys: int


class _Strict(Struct, forbid_unknown_fields=True, gc=False):
    pass


class _Pair(_Strict):
    prompt: str
    completion: str


class _Input(_Strict):
    input: str


class _Plain(_Strict):
    text: str


class _Block(_Strict):
    text: str


class _Said(_Strict):
    role: Literal["user", "assistant"]
    content: tuple[_Block]


class _Asked(_Strict):
    role: Literal["user"]
    content: tuple[_Block]


class _Answered(_Strict):
    role: Literal["assistant"]
    content: tuple[_Block]


class _Converse(_Strict):
    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    messages: Annotated[list[_Said], Meta(min_length=2)]
    system: tuple[_Block] | None = None


class _ConverseOnce(_Strict):
    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    messages: tuple[_Asked, _Answered]
    system: tuple[_Block] | None = None


class _ChatSaid(_Strict):
    role: Literal["system", "user", "assistant"]
    content: str


class _Chat(_Strict):
    messages: Annotated[list[_ChatSaid], Meta(min_length=2)]


class _ChatSystem(_Strict):
    role: Literal["system"]
    content: str


class _ChatAsked(_Strict):
    role: Literal["user"]
    content: str


class _ChatAnswered(_Strict):
    role: Literal["assistant"]
    content: str


class _ChatOnce(_Strict):
    messages: tuple[_ChatSystem, _ChatAsked, _ChatAnswered]


class _ChatTwo(_Strict):
    messages: tuple[_ChatAsked, _ChatAnswered]


Records = list[Any]


class Shape(Struct, frozen=True):
    """Records of one format that look alike; `marker` is in all of them. `columns` gives None where some
    record is not as it should be."""

    format: SourceFormat
    marker: bytes
    decode_lines: Callable[[bytes], Records]
    columns: Callable[[Records], Columns | None]


def _shape(
    format_: SourceFormat, marker: bytes, type_: type, columns: Callable[[Records], Columns | None]
) -> Shape:
    return Shape(format_, marker, msgspec.json.Decoder(type_).decode_lines, columns)


def _pairs(records: Records) -> Columns:
    prompts, answers = [one.prompt for one in records], [one.completion for one in records]
    return _of_two(prompts, answers, [], 2)


def _of_two(prompts: list[str], answers: list[str], systems: list[str], keys: int) -> Columns:
    count = len(prompts)
    columns = Columns(
        prompts=prompts,
        answers=answers,
        texts=prompts + answers,
        systems=[],
        characters=list(map(add, map(len, prompts), map(len, answers))),
        turns={2: count},
        roles={"user": count, "assistant": count},
        keys=keys * count,
    )
    return _with(systems, columns)


def _with(systems: list[str], columns: Columns) -> Columns:
    """The same, with the system text of each record."""
    if systems:
        columns.systems = systems
        columns.characters = list(map(add, columns.characters, map(len, systems)))
    return columns


def _inputs(records: Records) -> Columns:
    return _of_one([one.input for one in records])


def _plain(records: Records) -> Columns:
    return _of_one([one.text for one in records])


def _of_one(texts: list[str]) -> Columns:
    count = len(texts)
    return Columns(texts, texts, texts, [], list(map(len, texts)), {1: count}, {"text": count}, count)


def _converse_once(records: Records) -> Columns:
    prompts = [one.messages[0].content[0].text for one in records]
    answers = [one.messages[1].content[0].text for one in records]
    systems, keys = _systems(records)
    columns = _of_two(prompts, answers, systems, 8)
    columns.keys += keys
    return columns


def _systems(records: Records) -> tuple[list[str], int]:
    """The system text of each record, none at all where no record has one; and how many keys they take."""
    blocks = [one.system for one in records]
    without = blocks.count(None)
    if without == len(blocks):
        return [], 0
    systems = [block[0].text if block is not None else "" for block in blocks]
    return systems, 2 * (len(blocks) - without)


def _converse(records: Records) -> Columns | None:
    messages = [one.messages for one in records]
    said = list(chain.from_iterable(messages))
    texts = [block.text for (block,) in [one.content for one in said]]
    systems, keys = _systems(records)
    keys += 2 * len(records) + 3 * len(said)
    columns = _of_many(list(map(len, messages)), [one.role for one in said], texts, keys)
    return columns and _with(systems, columns)


def _chat_once(records: Records) -> Columns:
    messages = [one.messages for one in records]
    systems = [one[0].content for one in messages]
    prompts = [one[1].content for one in messages]
    answers = [one[2].content for one in messages]
    columns = _of_two(prompts, answers, systems, 7)
    columns.texts += systems
    return columns


def _chat_plain(records: Records) -> Columns:
    messages = [one.messages for one in records]
    return _of_two([one[0].content for one in messages], [one[1].content for one in messages], [], 5)


def _chat(records: Records) -> Columns | None:
    messages = [one.messages for one in records]
    said = list(chain.from_iterable(messages))
    keys = len(records) + 2 * len(said)
    counts = list(map(len, messages))
    return _of_many(counts, [one.role for one in said], [one.content for one in said], keys)


def _of_many(counts: list[int], roles: list[str], texts: list[str], keys: int) -> Columns | None:
    """Conversations of so many messages each, where an odd number begins with a system text; None where a
    role is out of turn."""
    kinds = Counter(counts)
    if min(kinds) < 2 or "".join(roles) != "".join(map(_roles, counts)):
        return None
    starts = list(accumulate(counts, initial=0))
    ends = starts[1:]
    prompts = [texts[end - 2] for end in ends]
    for index in [index for index, count in enumerate(counts) if count > 3]:
        prompts[index] = "\0".join(texts[starts[index] + counts[index] % 2 : ends[index] - 1])
    odd = sum(times for count, times in kinds.items() if count % 2)
    systems = [texts[start] if count % 2 else "" for start, count in zip(starts, counts, strict=False)]
    sizes = list(accumulate(map(len, texts), initial=0))
    pairs = (len(texts) - odd) // 2
    turns: Counter[int] = Counter()
    for count, times in kinds.items():
        turns[count - count % 2] += times
    return Columns(
        prompts=prompts,
        answers=[texts[end - 1] for end in ends],
        texts=texts,
        systems=systems if odd else [],
        characters=[sizes[end] - sizes[start] for start, end in pairwise(starts)],
        turns=turns,
        roles={"user": pairs, "assistant": pairs},
        keys=keys,
    )


@cache
def _roles(count: int) -> str:
    """Who says each of so many messages; no role begins as another does."""
    return "system" * (count % 2) + "userassistant" * (count // 2)


SHAPES: tuple[Shape, ...] = (
    _shape("prompt-completion", b'"prompt"', _Pair, _pairs),
    _shape("converse", b'"schemaVersion"', _ConverseOnce, _converse_once),
    _shape("converse", b'"schemaVersion"', _Converse, _converse),
    _shape("openai-chat", b'"messages"', _ChatOnce, _chat_once),
    _shape("openai-chat", b'"messages"', _ChatTwo, _chat_plain),
    _shape("openai-chat", b'"messages"', _Chat, _chat),
    _shape("text", b'"input"', _Input, _inputs),
    _shape("text", b'"text"', _Plain, _plain),
)
"""From the narrowest to the widest, for each format."""

"""Converse conversations with any content blocks (images, tools, reasoning), each in its usual form.

Blocks in another form are read by `converse`, which reports their problems. The blocks of many records are
checked together, by kind, because a loop over them in Python would take longer than reading the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec

from tunedrop.dataset.formats.batch import IN_TURN, PATHS, Batch, are_in_turn, conversing, system_of
from tunedrop.dataset.formats.record import Conversation, Turn
from tunedrop.dataset.rules import blocks, tools


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object with these keys and no other."""


class Block(Strict):
    """A block of text."""

    text: str


class RichTurn(Strict):
    """A message, whatever its blocks."""

    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


class Converse(Strict, omit_defaults=True, kw_only=True):
    """A conversation with any blocks; its keys are in the order in which people write them.

    Most records of a dataset declare the same tools, which are read once.
    """

    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    system: list[Block] = msgspec.field(default_factory=list)
    toolConfig: msgspec.Raw = msgspec.Raw()  # noqa: N815 - Bedrock's name
    messages: list[RichTurn]


class _Place(Strict):
    uri: str


class _Source(Strict):
    s3Location: _Place  # noqa: N815 - Bedrock's name


class _Media(Strict):
    format: str
    source: _Source


class _Reasoning(Strict):
    reasoningText: Block  # noqa: N815 - Bedrock's name


_Blocks = tuple[dict[str, Any], ...]


class _Said(NamedTuple):
    """Many records: the number of turns of each; the text of every turn, and its blocks if it has more than
    text; and the kinds of blocks that occur."""

    turns: list[int]
    texts: list[str]
    rich: list[_Blocks]
    kinds: frozenset[str]


def conversation(record: Converse) -> Conversation | None:
    """Read one record; None if a block does not have its usual form."""
    found = _read([record])
    if found is None:
        return None
    config = _config(record)
    extra = {} if config is None else {"toolConfig": config}
    turns = [Turn(*one) for one in zip(IN_TURN, found.texts, found.rich, PATHS, strict=False)]
    return with_system(record, tuple(turns), extra)


def batch(records: list[Converse]) -> Batch | None:
    """Read many records; None if a block of one does not have its usual form."""
    found = _read(records)
    if found is None:
        return None
    systems = [system_of(record.system) if record.system else "" for record in records]
    made = conversing(found.texts, found.turns, systems)
    media: list[tuple[str, ...]] = [()] * len(records)
    alike: list[tuple[object, ...]] = [()] * len(records)
    for at, (record, turns) in enumerate(zip(records, _each(found.rich, found.turns), strict=True)):
        rich, has_tools = any(turns), bytes(record.toolConfig) not in _NO_TOOLS
        if rich or has_tools:
            alike[at] = blocks.alike(has_tools, turns)
        if rich:
            made.added[at] = _compared(record, turns, made.answers[at])
        elif has_tools and len(turns) != 2 and not made.answers[at].strip():
            return None
        if rich and not found.kinds.isdisjoint(blocks.MEDIA):
            media[at] = blocks.media_of(turns)
        if rich and not found.kinds.isdisjoint(_SAYING_MORE):
            more = [text for one in turns if one for text in blocks.texts_beside(one)]
            made.sizes[at] += len("".join(more).encode())
    return made._replace(media=media if any(media) else [], alike=alike)


_NO_TOOLS = (b"", b"null")
_SAYING_MORE = ("reasoningContent", "toolResult")


def _each(rich: list[_Blocks], turns: list[int]) -> Iterator[list[_Blocks]]:
    """Those of one record after the other."""
    start = 0
    for count in turns:
        yield rich[start : start + count]
        start += count


def _compared(record: Converse, turns: list[_Blocks], answer: str) -> tuple[bytes, bytes]:
    """The bytes that blocks add to prompt and answer for comparison."""
    is_answered = len(turns) % 2 == 0
    asked = [one for one in (turns[:-1] if is_answered else turns) if one]
    last = b"" if not is_answered else _ENCODER.encode(turns[-1]) if turns[-1] else b"[]"
    config = _config(record) if len(turns) != 2 and not answer.strip() else None
    if config is not None:
        last = msgspec.json.encode({"toolConfig": config}, order="sorted") + last
    return _ENCODER.encode(asked), last


class _Tools(NamedTuple):
    """A tool section, None if there is none; the tools that it declares."""

    config: dict[str, Any] | None
    declared: tuple[str, ...]


def _config(record: Converse) -> dict[str, Any] | None:
    section = _tools(bytes(record.toolConfig))
    return None if section is None else section.config


@lru_cache(maxsize=256)
def _tools(raw: bytes) -> _Tools | None:
    """A tool section; None if it has a problem, or may have a duplicate key."""
    if raw in _NO_TOOLS:
        return _Tools(None, ())
    try:
        config = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    written = _ENCODER.encode(config)
    if raw.count(b'":') != written.count(b'":') or _SPACED_KEY.search(raw) or b"\\u" in raw:
        return None
    declared, wrong = tools.declared(written)
    return None if wrong else _Tools(config, tuple(declared))


_SPACED_KEY = re.compile(rb'"[ \t\r]+:')
_ENCODER = msgspec.json.Encoder()


def _read(records: Sequence[Converse]) -> _Said | None:
    """Records whose blocks all have their usual form and whose turns alternate between user and assistant;
    else None."""
    turns = [len(record.messages) for record in records]
    messages = [message for record in records for message in record.messages]
    if min(turns) == 0 or max(turns) > len(IN_TURN):
        return None
    roles: list[str] = [message.role for message in messages]
    if not are_in_turn(roles, turns):
        return None
    contents = [message.content for message in messages]
    every = list(chain.from_iterable(contents))
    if not all(contents) or set(map(len, every)) != {1}:
        return None
    kinds = list(map(next, map(iter, every)))
    speakers = [role for role, content in zip(roles, contents, strict=True) for _ in content]
    if not _SPOKEN_BY.issuperset(zip(kinds, speakers, strict=True)) or not _are_usual(kinds, every):
        return None
    texts, rich = list[str](), list[_Blocks]()
    for content in contents:
        if len(content) == 1 and "text" in content[0]:
            texts.append(content[0]["text"])
            rich.append(())
            continue
        said = [block["text"] for block in content if "text" in block]
        texts.append("\n".join(said))
        rich.append(tuple(content) if len(said) < len(content) else ())
    if not all([more or text.strip() for text, more in zip(texts, rich, strict=True)]):
        return None
    found = _Said(turns, texts, rich, frozenset(kinds))
    return found if _have_their_tools(records, found) else None


def _are_usual(kinds: list[str], every: list[dict[str, Any]]) -> bool:
    """Whether blocks of all kinds have their usual form."""
    for kind in set(kinds):
        is_usual = _USUAL.get(kind)
        if is_usual is None or not is_usual([block[kind] for block in every if kind in block]):
            return False
    return True


def _have_their_tools(records: Sequence[Converse], found: _Said) -> bool:
    """Whether nothing is wrong with the tools of any record."""
    of_each = [_tools(bytes(record.toolConfig)) for record in records]
    if None in of_each or found.kinds.isdisjoint(("toolUse", "toolResult")):
        return None not in of_each
    each = zip(of_each, _each(found.rich, found.turns), strict=True)
    return all([one is not None and tools.are_right(one.declared, turns) for one, turns in each])


def _are_texts(found: list[Any]) -> bool:
    return set(map(type, found)) == {str}


def _are_media(found: list[Any]) -> bool:
    try:
        media = msgspec.convert(found, list[_Media])
    except msgspec.ValidationError:
        return False
    return all([blocks.is_usual_uri(one.source.s3Location.uri) for one in media])


def _are_thoughts(found: list[Any]) -> bool:
    try:
        thoughts = msgspec.convert(found, list[_Reasoning])
    except msgspec.ValidationError:
        return False
    return all([one.reasoningText.text.strip() for one in thoughts])


def _have_ids(found: list[Any]) -> bool:
    """Whether tool uses and results have ids; `tools` checks the rest."""
    ids = [one.get("toolUseId") for one in found if isinstance(one, dict)]
    return len(ids) == len(found) and all(ids) and set(map(type, ids)) == {str}


_USUAL: Mapping[str, Callable[[list[Any]], bool]] = {
    "text": _are_texts,
    "image": _are_media,
    "video": _are_media,
    "document": _are_media,
    "toolUse": _have_ids,
    "toolResult": _have_ids,
    "reasoningContent": _are_thoughts,
}
_SPOKEN_BY = {
    *(("text", role) for role in IN_TURN[:2]),
    *((kind, "user") for kind in (*blocks.MEDIA, "toolResult")),
    *((kind, "assistant") for kind in ("toolUse", "reasoningContent")),
}


def with_system(record: Any, turns: tuple[Turn, ...], extra: dict[str, Any]) -> Conversation:
    """A conversation with the system prompt of its record."""
    if not record.system:
        return Conversation(turns, "", extra) if extra else Conversation(turns)
    system = [block.text for block in record.system if block.text.strip()]
    return Conversation(turns, "\n".join(system), extra, system_blocks=len(system))

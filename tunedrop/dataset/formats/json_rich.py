"""Conversations of Converse with blocks of any kind, each in its usual form: images, tools, reasoning.

What is in another form is read by `converse`, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from tunedrop.dataset.formats.batch import IN_TURN, MOST_TURNS, PATHS, Batch, system_of
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
    """A conversation, whatever its blocks; its keys are in the order that people write them in."""

    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    system: list[Block] = msgspec.field(default_factory=list)
    toolConfig: dict[str, Any] | None = None  # noqa: N815 - Bedrock's name
    messages: list[RichTurn]


_Said = tuple[str, tuple[dict[str, Any], ...]]
"""Of a turn: its text, and its blocks where they are more than that."""


def conversation(record: Converse) -> Conversation | None:
    """One record; None if a block is not in its usual form."""
    turns = _turns(record)
    if turns is None:
        return None
    extra = {} if record.toolConfig is None else {"toolConfig": record.toolConfig}
    return with_system(record, _placed(turns), extra)


def batch(records: list[Converse]) -> Batch | None:
    """Many records; None if one has a block that is not in its usual form."""
    found = Batch([], [], [], [], [], [], {}, [], [])
    for at, record in enumerate(records):
        turns = _turns(record)
        if turns is None:
            return None
        count = len(turns)
        texts = [text for text, _ in turns]
        is_answered = count % 2 == 0
        answer, asked = (texts[-1], texts[:-1]) if is_answered else ("", texts)
        found.prompts.append("\0".join(asked) if count > 2 else asked[0])
        found.answers.append(answer)
        found.before.append(asked[-1])
        found.turns.append(count)
        system = system_of(record.system) if record.system else ""
        found.systems.append(system)
        size = len("".join([system, *texts]).encode())
        rich = [said for _, said in turns if said]
        if rich:
            size += sum([len(text.encode()) for some in rich for text in blocks.texts_beside(some)])
        found.sizes.append(size)
        beside = _ENCODER.encode([said for _, said in turns[: len(asked)] if said]) if rich else b""
        said_last = _ENCODER.encode(turns[-1][1]) if rich and is_answered else b""
        if record.toolConfig is not None and count != 2 and not answer.strip():
            said_last = msgspec.json.encode({"toolConfig": record.toolConfig}, order="sorted") + said_last
            if not rich:
                return None
        if rich:
            found.added[at] = beside, said_last
        found.media.append(blocks.media_of(rich))
        found.alike.append(_alike(record, turns) if rich or record.toolConfig is not None else ())
    return found


_ENCODER = msgspec.json.Encoder()


def _alike(record: Converse, turns: list[_Said]) -> tuple[object, ...]:
    contents = [(path, some) for (_, some), path in zip(turns, PATHS, strict=False)]
    return blocks.alike(record.toolConfig is not None, contents)


def _turns(record: Converse) -> list[_Said] | None:
    """What is said in turn; None if that is not in its usual form."""
    messages = record.messages
    if not messages or len(messages) > MOST_TURNS:
        return None
    turns: list[_Said] = []
    has_tools = record.toolConfig is not None
    for message, role in zip(messages, IN_TURN, strict=False):
        content = message.content
        if message.role != role or not content:
            return None
        if len(content) == 1 and len(first := content[0]) == 1 and "text" in first:
            text = first["text"]
            if not isinstance(text, str) or not text.strip():
                return None
            turns.append((text, ()))
            continue
        texts, says = [], False
        for block in content:
            if len(block) != 1:
                return None
            ((kind, value),) = block.items()
            if kind == "text":
                if not isinstance(value, str):
                    return None
                texts.append(value)
                says = says or not (value == "" or value.isspace())
                continue
            usual = _USUAL.get(kind)
            if usual is None or not usual(value, role):
                return None
            says, has_tools = True, has_tools or kind in ("toolUse", "toolResult")
        if not says:
            return None
        text = texts[0] if len(texts) == 1 else "\n".join(texts)
        turns.append((text, tuple(content) if len(texts) != len(content) else ()))
    if has_tools and any(tools.problems(record.toolConfig, _placed(turns))):
        return None
    return turns


def _placed(turns: list[_Said]) -> tuple[Turn, ...]:
    """The turns with their roles and JSON paths."""
    return tuple([Turn(role, *said, path) for role, said, path in zip(IN_TURN, turns, PATHS, strict=False)])


def _is_usual_media(value: Any, role: str) -> bool:
    if role != "user" or not isinstance(value, dict) or value.keys() != _MEDIA_KEYS:
        return False
    source = value["source"]
    place = source.get("s3Location") if isinstance(source, dict) and len(source) == 1 else None
    if not isinstance(place, dict) or len(place) != 1 or not isinstance(value["format"], str):
        return False
    return blocks.is_usual_uri(place.get("uri"))


_MEDIA_KEYS = {"format", "source"}


def _is_usual_use(value: Any, role: str) -> bool:
    number = value.get("toolUseId") if isinstance(value, dict) else None
    return role == "assistant" and isinstance(number, str) and number != ""


def _is_usual_result(value: Any, role: str) -> bool:
    return role == "user" and _is_usual_use(value, "assistant")


def _is_usual_reasoning(value: Any, role: str) -> bool:
    if role != "assistant" or not isinstance(value, dict) or len(value) != 1:
        return False
    said = value.get("reasoningText")
    text = said.get("text") if isinstance(said, dict) and len(said) == 1 else None
    return isinstance(text, str) and not (text == "" or text.isspace())


_USUAL: Mapping[str, Callable[[Any, str], bool]] = {
    "image": _is_usual_media,
    "video": _is_usual_media,
    "document": _is_usual_media,
    "toolUse": _is_usual_use,
    "toolResult": _is_usual_result,
    "reasoningContent": _is_usual_reasoning,
}


def with_system(record: Any, turns: tuple[Turn, ...], extra: dict[str, Any]) -> Conversation:
    """A conversation with the system prompt of its record."""
    if not record.system:
        return Conversation(turns, "", extra) if extra else Conversation(turns)
    system = [block.text for block in record.system if block.text.strip()]
    return Conversation(turns, "\n".join(system), extra, system_blocks=len(system))

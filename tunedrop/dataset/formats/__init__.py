"""The formats of records, one module each: detected, read into one typed record, and written from it.

| format | a line is | where it comes from |
| --- | --- | --- |
| `prompt-completion`, `alpaca`, `dolly`, `question-answer`, `text-label` | a pair, by many names | `pairs` |
| `converse` | `{"schemaVersion", "system", "messages": [{"role", "content": [{"text"}]}]}` | `converse` |
| `openai-chat` | `{"messages": [{"role", "content": "..."}], "tools"}` | `openai_chat` |
| `anthropic`, `sharegpt`, `gemini` | conversations in the forms of others | their files |
| `transcript` | a conversation in one text, with the marks of a chat template | `transcripts` |
| `invocation-log`, `batch-output` | what Bedrock has logged | `invocation_log` |
| `preference` | a prompt with a preferred and a rejected answer | `preference` |
| `messages` | `{"messages": [{"role", "content": "..."}]}`, written only | `openai_chat` |
| `text` | `{"input"}`, or `{"text"}` | `plain` |
| `image-caption` | `{"image-ref", "caption"}` | `plain` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset.formats import (
    anthropic,
    converse,
    gemini,
    invocation_log,
    names,
    naming,
    openai_chat,
    pairs,
    plain,
    preference,
    separate_parts,
    sharegpt,
    tools,
    transcripts,
    unknown,
    wrapped,
)
from tunedrop.dataset.formats.record import (
    SCHEMA_VERSION,
    Conversation,
    Reading,
    SourceFormat,
    Turn,
    method_of,
    unread_paths,
)
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.rules import tools as tools_rules
from tunedrop.dataset.types import Problem, shorten

REFERENCES = names.REFERENCES

__all__ = [
    "METHODS",
    "REFERENCES",
    "SCHEMA_VERSION",
    "Conversation",
    "Reading",
    "SourceFormat",
    "Turn",
    "detect",
    "is_unknown",
    "losses",
    "method_of",
    "read",
    "read_for",
    "read_record",
    "refusal",
    "unread_paths",
    "unwrapped",
    "write",
]

_CHATS: tuple[Method, ...] = ("single-turn", "multi-turn", "reinforcement", "distillation")
_PAIRS: tuple[Method, ...] = ("instruction",)
METHODS: dict[SourceFormat, tuple[Method, ...]] = {
    "prompt-completion": _PAIRS,
    "alpaca": _PAIRS,
    "dolly": _PAIRS,
    "question-answer": _PAIRS,
    "text-label": _PAIRS,
    "converse": _CHATS,
    "openai-chat": _CHATS,
    "sharegpt": _CHATS,
    "anthropic": _CHATS,
    "gemini": _CHATS,
    "transcript": _CHATS,
    "invocation-log": ("distillation", "single-turn", "multi-turn"),
    "batch-output": ("distillation", "single-turn", "multi-turn"),
    "preference": ("preference",),
    "text": ("continued-pretraining",),
    "image-caption": ("image-caption",),
}
"""The methods that records of a format may be for (`method_of`)."""

_Reader = Callable[[Mapping[str, Any], Reading], Conversation | None]
_READERS: dict[SourceFormat, _Reader] = {
    "prompt-completion": pairs.read,
    "alpaca": pairs.read,
    "dolly": pairs.read,
    "question-answer": pairs.read,
    "text-label": pairs.read,
    "converse": converse.read,
    "openai-chat": openai_chat.read,
    "sharegpt": sharegpt.read,
    "anthropic": anthropic.read,
    "gemini": gemini.read,
    "transcript": transcripts.read,
    "invocation-log": invocation_log.read,
    "batch-output": invocation_log.read,
    "preference": preference.read,
    "text": plain.read_text,
    "image-caption": plain.read_caption,
}
_WRITERS: dict[str, Callable[[Conversation], dict[str, Any]]] = {
    "prompt-completion": pairs.write_pair,
    "alpaca": pairs.write_alpaca,
    "converse": converse.write,
    "openai-chat": openai_chat.write,
    "messages": openai_chat.write_messages,
    "preference": preference.write,
    "text": plain.write_text,
    "image-caption": plain.write_caption,
}


def detect(record: Mapping[str, Any]) -> SourceFormat | None:
    """The format of a record, by its keys; None if no method trains on it."""
    if preference.fits(record):
        return "preference"
    if preference.is_label(record):
        return None
    if sharegpt.fits(record):
        return "sharegpt"
    if record.get("messages") is not None:
        if anthropic.fits(record):
            return "anthropic"
        return "openai-chat" if openai_chat.fits(record) else "converse"
    if gemini.fits(record):
        return "gemini"
    if log := invocation_log.kind(record):
        return log
    if "image-ref" in record:
        return "image-caption"
    if transcripts.fits(record):
        return "transcript"
    if pair := naming.keys_of(record).format:
        return pair
    return "text" if plain.key_of(record) and not unknown.is_one_message(record) else None


def unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record inside a wrapper, with images and tools next to its question moved into it; else the same
    record."""
    if preference.fits(record):
        return record
    inside = wrapped.unwrapped(record)
    return inside if inside is not record and preference.fits(inside) else separate_parts.folded(inside)


def read(record: Mapping[str, Any]) -> Reading:
    """A record as a `Conversation`, and the problems with its keys, types and roles."""
    record = unwrapped(record)
    format_ = detect(record)
    if format_ is None:
        reading = Reading("text")
        reading.problems.append(unknown.problem(record))
        return reading
    return read_record(record, format_)


def read_for(record: Mapping[str, Any], *, is_text: bool) -> Reading:
    """The same for a known purpose: for continued pre-training (`is_text`), a transcript is plain text."""
    reading = read(record)
    if not is_text or reading.format != "transcript":
        return reading
    text = read_record(unwrapped(record), "text")
    return text if text.conversation is not None else reading


def is_unknown(reading: Reading) -> bool:
    """Whether a record has no format that any method trains on."""
    return (
        len(reading.problems) == 1
        and reading.problems[0].code in ("TD010", "TD017")
        and reading.conversation is None
        and (reading.problems[0].path == "$")
    )


def read_record(record: Mapping[str, Any], format_: SourceFormat) -> Reading:
    """The same for a record whose format is known."""
    reading = Reading(format_)
    reading.problems = []
    found = _READERS[format_](record, reading)
    if found is not None and found.extra.get("toolConfig") == _NO_TOOLS and format_ != "converse":
        rest = {key: one for key, one in found.extra.items() if key != "toolConfig"}
        found = msgspec.structs.replace(found, extra=rest)
    if found is not None and ("toolConfig" in found.extra or any([turn.blocks for turn in found.turns])):
        wrong = list(tools_rules.problems(found.extra.get("toolConfig"), found.turns))
        wrong += _of_blocks(found) if format_ != "converse" else []
        reading.problems += wrong
        found = None if wrong else found
    if found is not None and found.unread and (unsaid := separate_parts.answer(found)):
        reading.problems.append(unsaid)
        found = None
    if found is not None and (found.extra or not found.is_plain):
        wrong = list(separate_parts.left_out(found))
        reading.problems += wrong
        found = None if wrong else found
    reading.problems += reading.guesses
    reading.conversation = found
    return reading


_NO_TOOLS: dict[str, Any] = {"tools": []}
"""The reading of an empty list of tools, or of the string "[]"."""


def _of_blocks(conversation: Conversation) -> list[Problem]:
    """The problems of content blocks that were converted from another format's parts."""
    return [
        problem
        for turn in conversation.turns
        if turn.blocks
        for problem in blocks.content(list(turn.blocks), turn.role, turn.path.removesuffix(".content"))
        if problem.code != "TD014"
    ]


def write(conversation: Conversation, format_: str) -> dict[str, Any]:
    """A conversation in the format that a base model wants.

    Raises
    ------
    ValueError
        If the format cannot express the conversation; the message is `refusal`'s.
    """
    if why := refusal(conversation, format_):
        raise ValueError(why)
    return _WRITERS[format_](conversation)


def refusal(conversation: Conversation, format_: str) -> str:
    """Why a format cannot express a conversation; empty if it can."""
    turns = conversation.turns
    is_text = turns[0].role == "text"
    if format_ == "text":
        return (
            ""
            if is_text
            else "a conversation is not unlabelled text; choose a method other than continued-pretraining"
        )
    if is_text:
        return "unlabelled text is not a conversation; use it for continued-pretraining"
    if format_ == "preference" and conversation.rejected is None:
        return "no rejected answer; preference needs a preferred and a rejected answer to each prompt"
    if format_ == "converse":
        return ""
    rejected = (conversation.rejected,) if conversation.rejected is not None else ()
    if format_ == "openai-chat" and all(map(openai_chat.can_hold, turns)):
        return ""
    if any(turn.blocks for turn in (*turns, *rejected)) or conversation.extra.get("toolConfig"):
        return "only Converse records can contain images, videos, reasoning and tools"
    if format_ in ("prompt-completion", "alpaca", "image-caption") and (
        len(turns) != 2 or turns[-1].role != "assistant"
    ):
        return (
            f"a conversation of {len(turns)} messages is not one prompt and completion; "
            "choose a base model that trains on conversations"
        )
    return ""


def losses(conversation: Conversation, format_: str) -> Iterator[str]:
    """The JSON paths that a format omits from a conversation that it can express."""
    yield from conversation.losses
    if conversation.rejected is not None and format_ != "preference":
        yield conversation.rejected.path.removesuffix(".content")
    if format_ != "openai-chat":
        for path, _ in unread_paths(msgspec.structs.replace(conversation, losses=())):
            yield path
        yield from (f"$.{shorten(key)}" for key in conversation.extra if key != "toolConfig")
    else:
        yield from tools.unsaid(conversation)

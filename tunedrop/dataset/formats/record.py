"""The typed record that every format is read into, and written from.

Nothing gets lost unnoticed: fields outside of the conversation are kept in `extra` and `unread` (of the
record and of each turn), or named in `losses` (paths inside tool definitions and the like). `unread_paths`
lists them all, so that writers of other formats can report what they omit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from tunedrop.catalog.method import Format
from tunedrop.contracts import Method
from tunedrop.dataset.types import Problem, shorten

SourceFormat = (
    Format
    | Literal[
        "alpaca",
        "dolly",
        "question-answer",
        "text-label",
        "sharegpt",
        "anthropic",
        "gemini",
        "transcript",
        "invocation-log",
        "batch-output",
    ]
)
"""The formats that are read; those of `Format` are read by Bedrock itself."""

SCHEMA_VERSION = "bedrock-conversation-2024"
"""The value that Llama's checker requires and Nova's accepts (aws-samples/amazon-bedrock-samples, read
2026-11-23)."""


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One message of a conversation.

    Attributes
    ----------
    blocks
        Its Converse content blocks, if it has more than text.
    path
        The JSON path of its text in the record.
    extra
        Keys of the message that Bedrock's formats do not have, such as `name` and `weight`.
    """

    role: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    path: str = ""
    extra: dict[str, Any] = {}


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A record. Plain text is a single turn with the role `text`.

    Attributes
    ----------
    extra
        Keys besides the conversation that have a meaning in a format: `toolConfig`, `reference_answer`, and
        all other keys of records for a grader.
    unread
        Keys of the record that have no meaning in any format.
    losses
        JSON paths of values that could not be read at all.
    rejected
        The rejected answer, if the last turn is the preferred one.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    extra: dict[str, Any] = {}
    unread: dict[str, Any] = {}
    losses: tuple[str, ...] = ()
    system_path: str = "$.system"
    system_blocks: int = 1
    has_version: bool = True
    rejected: Turn | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it has only texts: no unread keys and no content blocks."""
        if self.unread or self.losses:
            return False
        for turn in self.turns:
            if turn.extra or turn.blocks:
                return False
        if self.rejected is not None and (self.rejected.extra or self.rejected.blocks):
            return False
        return self.turns[0].path != "$.image-ref"

    @property
    def asked(self) -> tuple[Turn, ...]:
        """The turns before the answer; all turns if there is no answer."""
        return self.turns[:-1] if self.is_answered else self.turns

    @property
    def answer(self) -> str:
        """The text to learn: the last answer, or the reference that answers are graded against."""
        if self.is_answered:
            return self.turns[-1].text
        reference = self.extra.get("reference_answer", "")
        return reference if isinstance(reference, str) else msgspec.json.encode(reference).decode()

    @property
    def is_answered(self) -> bool:
        """Whether it ends with an answer to learn."""
        return self.turns[-1].role in ("assistant", "text")


def both(conversation: Conversation) -> tuple[Conversation, Conversation]:
    """The two conversations of a preference: with the preferred answer, and with the rejected one.

    Raises
    ------
    ValueError
        If it has no rejected answer.
    """
    if conversation.rejected is None:
        raise ValueError("no rejected answer")
    chosen = msgspec.structs.replace(conversation, rejected=None)
    return chosen, msgspec.structs.replace(chosen, turns=(*chosen.turns[:-1], conversation.rejected))


def is_said_as_json(value: Any) -> bool:
    """Whether a value is an answer that a model would write as JSON: an object, a whole number, true or
    false."""
    return isinstance(value, int) or (isinstance(value, dict) and bool(value))


class Reading(msgspec.Struct):
    """The result of reading a record: the conversation, unless it is malformed, and its problems.

    Attributes
    ----------
    guesses
        Warnings about how it was read.
    """

    format: SourceFormat
    conversation: Conversation | None = None
    problems: list[Problem] = []
    guesses: list[Problem] = []

    def add(self, path: str, code: str, message: str, value: Any = "", expected: str = "") -> None:
        """One more problem."""
        shown = value if isinstance(value, str) and len(value) < 30 else shorten(value)
        self.problems.append(Problem(path, code, message, shorten(shown), expected))

    def wrong_type(self, path: str, expected: str, value: Any, *, is_mended: bool = False) -> None:
        """Add the problem of a value of the wrong type; `is_mended`: --fix converts it to text."""
        name = path.rpartition(".")[2] or "the record"
        message = f"{name} must be {expected}, got {shorten(value)}"
        if is_mended:
            message += "; tunedrop check --fix writes it as JSON text, as json.dumps does"
        self.add(path, "TD012", message, value, expected)

    def text(self, record: Mapping[str, Any], key: str, path: str) -> str | None:
        """The non-empty string under a key; None, and a problem is added, if there is none."""
        value = record.get(key)
        if isinstance(value, str):
            if value.strip():
                return value
            message = f"{key} is empty; a model learns nothing from it: remove the record"
            self.add(path, "TD021", message, value, "some text")
            return None
        if key not in record or value is None:
            keys = ", ".join(shorten(one) for one in record) or "no keys"
            self.add(path, "TD011", f"{key} is missing; this record has {keys}", keys, key)
        else:
            is_mended = path == "$.completion" and is_said_as_json(value)
            self.wrong_type(path, "a string", value, is_mended=is_mended)
        return None


def method_of(format_: SourceFormat, conversation: Conversation) -> Method:
    """The method that a record is for."""
    match format_:
        case "text":
            return "continued-pretraining"
        case "image-caption":
            return "image-caption"
        case "preference":
            return "preference"
        case "prompt-completion" | "alpaca" | "dolly" | "question-answer" | "text-label":
            return "instruction"
        case "invocation-log" | "batch-output":
            return "distillation"
    if not conversation.is_answered:
        return "reinforcement" if conversation.extra.keys() - {"toolConfig"} else "distillation"
    return "single-turn" if len(conversation.turns) <= 2 else "multi-turn"


def unread_paths(conversation: Conversation) -> Iterator[tuple[str, Any]]:
    """(JSON path, value) of everything that has no place in Bedrock's formats."""
    for key, value in conversation.unread.items():
        yield f"$.{shorten(key)}", value
    for turn in conversation.turns:
        at = turn.path[: turn.path.find("]") + 1] if "[" in turn.path else "$"
        for key, value in turn.extra.items():
            yield f"{at}.{shorten(key)}", value
    if (rejected := conversation.rejected) is not None:
        at = rejected.path.removesuffix(".content")
        for key, value in rejected.extra.items():
            yield f"{at}.{shorten(key)}", value
    for path in conversation.losses:
        yield path, ""


def said(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record or message without keys whose value is null or an empty list, which mean the same as no
    key."""
    for value in record.values():
        if value is None or value == []:
            return {key: one for key, one in record.items() if one is not None and one != []}
    return record

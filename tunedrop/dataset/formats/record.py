"""The one typed record that every shape is read into, and written from.

Nothing is lost on the way: what a shape says beyond the conversation stays in `extra` and `unread` (of the
record and of each turn) or in `losses` (paths inside tool definitions and the like); `unread_paths` has
them all, so that whoever writes another shape can say what it left out.
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
"""The shapes that are read; those of `Format` are what Bedrock reads itself."""

SCHEMA_VERSION = "bedrock-conversation-2024"
"""What Llama's checker demands and Nova's takes (aws-samples/amazon-bedrock-samples, read 2026-11-23)."""


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One message of a conversation.

    Attributes
    ----------
    blocks
        Its Converse content, where that is more than its text.
    path
        Where its text stands in the record, as a JSON path.
    extra
        Keys of the message that no format of Bedrock has: name, weight.
    """

    role: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    path: str = ""
    extra: dict[str, Any] = {}


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A record. Plain text is one `text` turn of nobody.

    Attributes
    ----------
    extra
        Keys beside the conversation that a format gives a meaning: `toolConfig`, `reference_answer`, and for
        a grader whatever stands beside that.
    unread
        Keys of the record that no format gives a meaning.
    losses
        JSON paths of what could not be read at all.
    rejected
        The answer that was not preferred, where the last turn is the one that was.
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
        """Whether it has nothing beside its texts: no keys that nobody reads, no blocks."""
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
        """What comes before the answer; all of it where there is none."""
        return self.turns[:-1] if self.is_answered else self.turns

    @property
    def answer(self) -> str:
        """What is to be learned: the last answer, or the reference that answers are graded by."""
        if self.is_answered:
            return self.turns[-1].text
        reference = self.extra.get("reference_answer", "")
        return reference if isinstance(reference, str) else msgspec.json.encode(reference).decode()

    @property
    def is_answered(self) -> bool:
        """Whether it ends with what is to be learned."""
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
    """Whether a value is an answer that a model says as JSON: an object, a whole number, true or false."""
    return isinstance(value, int) or (isinstance(value, dict) and bool(value))


class Reading(msgspec.Struct):
    """What became of a record: the conversation, unless it is broken; and what is wrong with it.

    Attributes
    ----------
    guesses
        Warnings about how it was read, which do not break it.
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
        """A value of another type than the shape has; `is_mended` where --fix writes it as a text."""
        name = path.rpartition(".")[2] or "the record"
        message = f"{name} must be {expected}, got {shorten(value)}"
        if is_mended:
            message += "; tunedrop check --fix writes it as JSON text, as json.dumps does"
        self.add(path, "TD012", message, value, expected)

    def text(self, record: Mapping[str, Any], key: str, path: str) -> str | None:
        """A string that says something; None, with the reason, where there is none."""
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
    """(JSON path, value) of everything that Bedrock's formats have no place for."""
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
    """A record or message without the keys whose value is null or an empty list: they mean absent."""
    for value in record.values():
        if value is None or value == []:
            return {key: one for key, one in record.items() if one is not None and one != []}
    return record

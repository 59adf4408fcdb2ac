"""The rules of a record as a pydantic model says them: shapes, roles in turn, no blank text, reserved words,
duplicates. What a careful user would write; none of our other rules, and no statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

RESERVED = ("system:", "user:", "assistant:", "bot:", "[eos]", "<image>", "<video>", "<unk>")


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("blank")
    lower = value.lower()
    if any(word in lower for word in RESERVED):
        raise ValueError("a reserved word")
    return value


Text = Annotated[str, AfterValidator(_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Pair(_Strict):
    """A prompt and its completion."""

    prompt: Text
    completion: Text

    def texts(self) -> list[str]:
        """All that is said."""
        return [self.prompt, self.completion]


class Document(_Strict):
    """A text to go on learning from."""

    input: Text

    def texts(self) -> list[str]:
        """All that is said."""
        return [self.input]


class Block(_Strict):
    """A block of content."""

    text: Text


class Turn(_Strict):
    """A message of Converse."""

    role: Literal["user", "assistant"]
    content: list[Block] = Field(min_length=1)


class Message(_Strict):
    """A message of OpenAI's chat."""

    role: Literal["system", "user", "assistant"]
    content: Text


def _in_turn(roles: list[str]) -> None:
    if len(roles) < 2 or roles != ["user", "assistant"] * (len(roles) // 2):
        raise ValueError("roles are out of turn")


class Converse(_Strict):
    """A conversation as Bedrock has it."""

    schemaVersion: Literal["bedrock-conversation-2024"]  # noqa: N815 - Bedrock's name
    system: list[Block] | None = None
    messages: list[Turn]

    @model_validator(mode="after")
    def _roles(self) -> Converse:
        _in_turn([message.role for message in self.messages])
        return self

    def texts(self) -> list[str]:
        """All that is said."""
        return [block.text for message in self.messages for block in message.content]


class Chat(_Strict):
    """A conversation as OpenAI has it."""

    messages: list[Message]

    @model_validator(mode="after")
    def _roles(self) -> Chat:
        _in_turn([message.role for message in self.messages if message.role != "system"])
        return self

    def texts(self) -> list[str]:
        """All that is said."""
        return [message.content for message in self.messages]


_MODELS: dict[str, type[Pair | Document | Converse | Chat]] = {
    "prompt-completion": Pair,
    "text": Document,
    "converse": Converse,
    "openai-chat": Chat,
}


def checker(format_: str) -> Callable[[Path], Any]:
    """What counts the invalid and the duplicate records of a file."""
    validate = _MODELS[format_].model_validate_json

    def check(path: Path) -> tuple[int, int]:
        invalid = duplicates = 0
        seen = set()
        with path.open("rb") as lines:
            for line in lines:
                try:
                    record = validate(line)
                except ValidationError:
                    invalid += 1
                    continue
                same = hash("".join(record.texts()).lower().replace(" ", ""))
                duplicates += same in seen
                seen.add(same)
        return invalid, duplicates

    return check

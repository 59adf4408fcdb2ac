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


class _Place(_Strict):
    uri: str = Field(pattern=r"^s3://[\w./-]+$", max_length=1024)
    bucketOwner: str | None = None  # noqa: N815 - Bedrock's name


class _Source(_Strict):
    s3Location: _Place  # noqa: N815 - Bedrock's name


class _Image(_Strict):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: _Source


class _Use(_Strict):
    toolUseId: str = Field(min_length=1)  # noqa: N815 - Bedrock's name
    name: str = Field(min_length=1)
    input: dict[str, Any]


class _Result(_Strict):
    toolUseId: str = Field(min_length=1)  # noqa: N815 - Bedrock's name
    content: list[dict[str, Any]] = Field(min_length=1)


class _Thought(_Strict):
    text: Text


class _Reasoning(_Strict):
    reasoningText: _Thought  # noqa: N815 - Bedrock's name


class Block(_Strict):
    """A block of content: one of its kinds."""

    text: Text | None = None
    image: _Image | None = None
    toolUse: _Use | None = None  # noqa: N815 - Bedrock's name
    toolResult: _Result | None = None  # noqa: N815 - Bedrock's name
    reasoningContent: _Reasoning | None = None  # noqa: N815 - Bedrock's name

    @model_validator(mode="after")
    def _one_kind(self) -> Block:
        if len(self.model_fields_set) != 1:
            raise ValueError("a block has one kind")
        return self


class _Spec(_Strict):
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    inputSchema: dict[str, Any]  # noqa: N815 - Bedrock's name


class _Tool(_Strict):
    toolSpec: _Spec  # noqa: N815 - Bedrock's name


class _Tools(_Strict):
    tools: list[_Tool] = Field(min_length=1)


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
    toolConfig: _Tools | None = None  # noqa: N815 - Bedrock's name
    messages: list[Turn]

    @model_validator(mode="after")
    def _roles(self) -> Converse:
        _in_turn([message.role for message in self.messages])
        return self

    @model_validator(mode="after")
    def _tools_are_known(self) -> Converse:
        known = {one.toolSpec.name for one in self.toolConfig.tools} if self.toolConfig else set()
        open_ = set()
        for block in (block for message in self.messages for block in message.content):
            if block.toolUse is not None:
                if block.toolUse.name not in known or block.toolUse.toolUseId in open_:
                    raise ValueError("a tool that is not declared, or an id twice")
                open_.add(block.toolUse.toolUseId)
            elif block.toolResult is not None and block.toolResult.toolUseId not in open_:
                raise ValueError("a result of no use")
        return self

    def texts(self) -> list[str]:
        """All that is said."""
        return [
            block.text for message in self.messages for block in message.content if block.text is not None
        ]


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

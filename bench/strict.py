"""The rules of a record as a pydantic model says them: what a careful user would write, in two versions.

Structure: shapes, roles in turn, no blank text, reserved words of the base model, exact duplicates. The same
rules: besides, each text is searched for whatever our rules about texts find (personal data, secrets,
template leftovers, wrong decoding) by those rules' own expressions, one text at a time; prompts are compared
for contradictions, letters for near duplicates. `bench.kinds` fails if its findings about texts or its exact
duplicates differ from ours; it does not compare contradictions and near duplicates. Neither version counts
tokens, turns, roles, scripts, labels or lengths, as ours does.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tunedrop.dataset.duplicates.fingerprints import FEWEST_LETTERS, NO_LETTERS
from tunedrop.dataset.rules.texts import RULES
from tunedrop.dataset.rules.texts.rule import has_any

RESERVED = ("system:", "user:", "assistant:", "bot:", "[eos]", "<image>", "<video>", "<unk>")


Said = list[tuple[str, str]]
"""(role, text) of what a record says."""
_reserved: list[str] = []


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("blank")
    lower = value.lower()
    if any(word in lower for word in RESERVED):
        _reserved.append(value)
    return value


Text = Annotated[str, AfterValidator(_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Pair(_Strict):
    """A prompt and its completion."""

    prompt: Text
    completion: Text

    def said(self) -> Said:
        """All texts."""
        return [("user", self.prompt), ("assistant", self.completion)]


class WidePair(Pair):
    """A pair with keys that nobody reads."""

    model_config = ConfigDict(extra="allow", strict=True)


class Document(_Strict):
    """A text for continued pre-training."""

    input: Text

    def said(self) -> Said:
        """All texts."""
        return [("text", self.input)]


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

    def said(self) -> Said:
        """All texts."""
        found = [
            (message.role, block.text)
            for message in self.messages
            for block in message.content
            if block.text is not None
        ]
        return [*found, *(("system", block.text) for block in self.system or () if block.text is not None)]

    def said_beside(self) -> Said:
        """What is said in reasoning and results of tools."""
        found: Said = []
        for message in self.messages:
            for block in message.content:
                if block.reasoningContent is not None:
                    found.append((message.role, block.reasoningContent.reasoningText.text))
                elif block.toolResult is not None:
                    found += [
                        (message.role, one["text"]) for one in block.toolResult.content if "text" in one
                    ]
        return found


class Chat(_Strict):
    """A conversation as OpenAI has it."""

    messages: list[Message]

    @model_validator(mode="after")
    def _roles(self) -> Chat:
        _in_turn([message.role for message in self.messages if message.role != "system"])
        return self

    def said(self) -> Said:
        """All texts."""
        return [(message.role, message.content) for message in self.messages]


_Record = Pair | Document | Converse | Chat
_MODELS: dict[str, type[_Record]] = {
    "prompt-completion": Pair,
    "wide pairs": WidePair,
    "text": Document,
    "converse": Converse,
    "openai-chat": Chat,
}


class Checker:
    """Counts what is wrong with the records of a file, by the codes of our rules where they have one."""

    def __init__(self, format_: str, same_rules: bool = False) -> None:
        self._validate = _MODELS[format_].model_validate_json
        self._model = _MODELS[format_]
        self._same_rules = same_rules

    def lines(self, path: Path) -> Counter[str]:
        """The findings of a file of JSON lines."""
        with path.open("rb") as lines:
            return self._check(self._validate, lines)

    def table(self, path: Path) -> Counter[str]:
        """The findings of a CSV file."""
        with path.open(encoding="utf-8", newline="") as rows:
            return self._check(self._model.model_validate, csv.DictReader(rows))

    def _check(self, validate: Callable[[Any], _Record], records: Iterable[Any]) -> Counter[str]:
        found = Counter[str]()
        seen, prompts, letters = set[int](), dict[int, int](), set[int]()
        _reserved.clear()
        for one in records:
            try:
                record = validate(one)
            except ValidationError:
                found["invalid"] += 1
                continue
            said = record.said()
            same = hash("".join([text for _, text in said]).lower().replace(" ", ""))
            is_again = same in seen
            found["TD050"] += is_again
            seen.add(same)
            if self._same_rules:
                _search(said + record.said_beside() if isinstance(record, Converse) else said, found)
                if not is_again:
                    _compare(said, prompts, letters, found)
            if record.model_extra:
                found["TD014"] += 1
        found["reserved"] = len(_reserved)
        return found


def _search(said: Said, found: Counter[str]) -> None:
    """What our rules about texts find: of each rule the first text of a record that breaks it."""
    for rule in RULES:
        for role, text in said:
            if has_any(text, rule.signs) and (wrong := list(rule.find(text, role))):
                found[rule.code] += len(wrong)
                break


def _compare(said: Said, prompts: dict[int, int], letters: set[int], found: Counter[str]) -> None:
    """Whether a prompt has another answer, or a record differs from another in numbers and spaces alone."""
    *asked, (_, answer) = said
    prompt = hash("\0".join([text.strip() for _, text in asked]).lower())
    if prompts.setdefault(prompt, answered := hash(answer.strip().lower())) != answered:
        found["TD051"] += 1
    plain = "".join([text for _, text in said]).lower().encode().translate(None, NO_LETTERS)
    if len(plain) >= FEWEST_LETTERS:
        found["near duplicates"] += (mark := hash(plain)) in letters
        letters.add(mark)

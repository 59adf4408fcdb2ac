"""What a base model requires of a method: the dataset, and the hyperparameters."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

import msgspec

from tunedrop.catalog.source import Source

Format = Literal[
    "prompt-completion", "converse", "text", "openai-chat", "messages", "preference", "image-caption"
]
"""The dataset formats that AWS reads, each with one JSON object per line.

`prompt-completion` {prompt, completion} · `converse` bedrock-conversation-2024 · `text` {input} ·
`openai-chat` {messages: [{role, content: string}], reference_answer} · `messages` the same with its answer
and no other keys · `preference` {chosen: [messages], rejected: [messages]} · `image-caption` {image-ref,
caption}
"""

CONVERSATIONS: tuple[Format, ...] = ("converse", "openai-chat", "messages", "preference")
"""The formats whose models take messages; models of the others take a single text."""


class Hyperparameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of Bedrock's `hyperParameters` map, under Bedrock's own name (`epochCount`).

    `default` may be `auto`, so that the service chooses; as a value, `auto` is the default. `words` are the
    allowed words, `values` the allowed numbers.
    """

    type: Literal["int", "float", "word"]
    default: float | str
    minimum: float = 0
    maximum: float = math.inf
    words: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def refusal(self, value: object) -> str:
        """Why a value is invalid; empty if it is valid."""
        if value == "auto":
            return ""
        if self.type == "word":
            word = _word(value)
            return "" if word in self.words else f"{word!r} is not one of {', '.join(self.words)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{value!r} is not a number"
        if self.values and value not in self.values:
            return f"{value} is not one of {', '.join(f'{one:g}' for one in self.values)}"
        if self.minimum <= value <= self.maximum and (self.type == "float" or value == int(value)):
            return ""
        whole = "a whole number " if self.type == "int" else ""
        up_to = f"from {self.minimum:g} to {self.maximum:g}" if self.maximum < math.inf else "of any size"
        return f"{value} is not {whole}{up_to}"

    def written(self, value: float | str) -> str:
        """A value as a string for the API."""
        if value == "auto":
            value = self.default
        if self.type == "word" or isinstance(value, str):
            return str(_word(value))
        return str(int(value)) if self.type == "int" else format(Decimal(str(value)), "f")


def _word(value: object) -> object:
    """YAML reads `true` and `false` as booleans; the API has them as words."""
    return str(value).lower() if isinstance(value, bool) else value


class Teacher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that a student may learn from by distillation."""

    id: str
    name: str
    ends_on: str = ""

    def has_ended(self, on: str) -> bool:
        """Whether it has ended on a day (YYYY-MM-DD)."""
        return bool(self.ends_on and on >= self.ends_on)


class MethodRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base model's requirements for the dataset of one method. Records are lines, sizes bytes; 0 is no
    limit.

    Attributes
    ----------
    cuts_records
        Whether the training reads the beginning of a record above `max_record_tokens`, instead of failing.
    reserved_words
        Words that fail the job in a prompt or system prompt (with `reserved_in_answers`, anywhere).
    doubtful_words
        Words that AWS's own validator refuses too, although no page documents them.
    schema_version
        Whether a Converse record must have it. Every source accepts bedrock-conversation-2024.
    answer
        Whether the conversation ends with the assistant's answer.
    system
        Where chat records have their system prompt: in a first message, or a separate key.
    hyperparameters
        None: the base model's.
    engine
        The engine for this method; empty: the base model's.
    regions
        The Regions of this method; empty: those of the base model.
    """

    format: Format
    min_train_records: int
    max_train_records: int
    max_validation_records: int
    max_total_records: int
    max_record_tokens: int
    max_train_bytes: int
    max_validation_bytes: int
    takes_validation: bool
    source: Source
    cuts_records: bool = False
    max_line_bytes: int = 0
    max_messages: int = 0
    max_system_blocks: int = 0
    min_caption_characters: int = 0
    max_caption_characters: int = 0
    takes_system_prompt: bool = True
    takes_images: bool = False
    takes_video: bool = False
    takes_reasoning: bool = False
    takes_documents: bool = False
    tools: Literal["no", "doubtful", "yes"] = "no"
    reserved_words: tuple[str, ...] = ()
    reserved_in_answers: bool = False
    doubtful_words: tuple[str, ...] = ()
    schema_version: Literal["required", "optional"] = "optional"
    system: Literal["message", "key"] = "message"
    answer: Literal["required", "optional", "none"] = "required"
    needs_grader: bool = False
    teachers: tuple[Teacher, ...] = ()
    hyperparameters: dict[str, Hyperparameter] | None = None
    recommended_records: int = 0
    engine: str = ""
    regions: tuple[str, ...] = ()

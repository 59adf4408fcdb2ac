"""The catalog entry of a base model. Every figure has a source and a date."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Literal

import msgspec

from tunedrop.contracts import Commitment, Method

Format = Literal[
    "prompt-completion", "converse", "text", "openai-chat", "messages", "preference", "image-caption"
]
"""The dataset formats that AWS reads: one JSON object a line in each.

`prompt-completion` {prompt, completion} · `converse` bedrock-conversation-2024 · `text` {input} ·
`openai-chat` {messages: [{role, content: string}], reference_answer} · `messages` the same with its answer
and nothing beside it · `preference` {chosen: [messages], rejected: [messages]} ·
`image-caption` {image-ref, caption}
"""

CONVERSATIONS: tuple[Format, ...] = ("converse", "openai-chat", "messages", "preference")
"""The formats whose models are asked in messages; the others are given one text."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was read, and when (YYYY-MM-DD). `doubt` says what the sources disagree about."""

    page: str
    read_on: str
    doubt: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list price in US dollars; the unit is named by the field that holds it.

    `doubt` says what is not certain about it, such as a rate that was worked out from an example.
    """

    usd: float
    source: str
    priced_on: str
    doubt: str = ""


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a model became Legacy and when it ends (YYYY-MM-DD); empty: not announced.

    On a Legacy model no new customization job and no new provisioned throughput may start, and new customers
    are shut out; models tuned before go on until the end (Bedrock user guide, model-lifecycle and
    model-lifecycle-legacy, read 2026-11-29).

    Attributes
    ----------
    successor
        The base model to tune instead, by its id in the catalog; our advice, no page names one.
    """

    source: Source
    legacy_since: str = ""
    ends_on: str = ""
    successor: str = ""

    def state(self, on: str) -> Literal["active", "legacy", "ended"]:
        """What the model is on a day (YYYY-MM-DD)."""
        if self.ends_on and on >= self.ends_on:
            return "ended"
        return "legacy" if self.legacy_since and on >= self.legacy_since else "active"


class Hyperparameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of Bedrock's `hyperParameters` map, under Bedrock's own name (`epochCount`).

    `default` may be `auto`, where the service chooses; `words` are what a word may be, `values` the only
    numbers that are taken.
    """

    type: Literal["int", "float", "word"]
    default: float | str
    minimum: float = 0
    maximum: float = math.inf
    words: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def refusal(self, value: object) -> str:
        """Why a value is not one; empty when it is."""
        if self.type == "word":
            return "" if value in self.words else f"{value!r} is none of {', '.join(self.words)}"
        if value == "auto" == self.default:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{value!r} is not a number"
        if self.values and value not in self.values:
            return f"{value} is none of {', '.join(f'{one:g}' for one in self.values)}"
        if self.minimum <= value <= self.maximum and (self.type == "float" or value == int(value)):
            return ""
        whole = "a whole number " if self.type == "int" else ""
        up_to = f"from {self.minimum:g} to {self.maximum:g}" if self.maximum < math.inf else "of any size"
        return f"{value} is not {whole}{up_to}"

    def written(self, value: float | str) -> str:
        """A value as the API's map of strings takes it."""
        if isinstance(value, str):
            return value
        return str(int(value)) if self.type == "int" else format(Decimal(str(value)), "f")


class MediaTokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many tokens one image, video or document is billed as: at least, likely, at most."""

    low: int
    likely: int
    high: int
    source: Source

    def __str__(self) -> str:
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


class Media(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images or videos that a base model takes; 0 is no known limit.

    `doubtful_formats` are taken by one source and not by another, `size_is_doubtful` where no page names it.
    `max_seconds` is of a video. `tokens` is None where no page says how many one is.
    """

    formats: tuple[str, ...]
    source: Source
    doubtful_formats: tuple[str, ...] = ()
    max_per_message: int = 0
    max_bytes: int = 0
    size_is_doubtful: bool = False
    max_seconds: int = 0
    min_pixels_a_side: int = 0
    max_pixels_a_side: int = 0
    max_pixels: int = 0
    max_aspect_ratio: float = 0
    tokens: MediaTokens | None = None


class Teacher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that a student may learn from by distillation."""

    id: str
    name: str
    ends_on: str = ""

    def has_ended(self, on: str) -> bool:
        """Whether it answers no more on a day (YYYY-MM-DD)."""
        return bool(self.ends_on and on >= self.ends_on)


class MethodRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a base model asks of a dataset for one method. Records are lines, sizes bytes; 0 is no limit.

    Attributes
    ----------
    reserved_words
        Words that fail the job where a prompt or a system text has them (`reserved_in_answers`: anywhere).
    doubtful_words
        Words that AWS's own validator refuses too, which no page names.
    schema_version
        Whether a Converse record must name it. bedrock-conversation-2024 is what every source takes.
    answer
        Whether the conversation ends with the assistant's answer.
    system
        Where chat records have their system text: a first message, or a key of its own.
    hyperparameters
        None: the base model's.
    engine
        What trains by this method; empty: the base model's.
    regions
        Where this method is offered; empty: wherever the base model is tuned.
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


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ways of serving a model tuned from this base exist, and the on-demand request limits.

    `mantle`: by the OpenAI-compatible endpoint that has tuned it, by the token.
    """

    on_demand: bool
    provisioned: bool
    source: Source
    imported: bool = False
    mantle: bool = False
    on_demand_requests_per_minute: int = 0


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: no dated source was found; the estimate names the SKU that is missing.

    `imported_…` are for each custom model unit of an imported model, by the minute of its five-minute windows
    and by the month of its storage.

    `custom_…` are for tokens of a model tuned from this base, on demand; None where they cost what the base
    model's do.
    """

    training_per_million_tokens: Price | None = None
    training_per_hour: Price | None = None
    storage_per_month: Price | None = None
    input_per_million_tokens: Price | None = None
    output_per_million_tokens: Price | None = None
    custom_input_per_million_tokens: Price | None = None
    custom_output_per_million_tokens: Price | None = None
    imported_per_unit_minute: Price | None = None
    imported_storage_per_unit_month: Price | None = None
    provisioned_per_unit_hour: dict[Commitment, Price] = {}


class BaseModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base model that can be customized, or could: `lifecycle` is the last known.

    `engine` is what trains it, where a method does not name another. `id` is what customization takes;
    `inference_id` is what Converse takes for the base model itself (a model id, or an inference profile such
    as `us.meta.llama3-3-70b-instruct-v1:0`); `lifecycle_id` is what GetFoundationModel takes. The live
    lifecycle overrides this page. `price_list_name` is how the usage types of AWS's price list call it
    (`USE1-NovaLite-Customization-Training`). `inference_id` is empty where Bedrock does not sell the base
    model on demand, `lifecycle_id` where it does not know it.

    `training_instance` is what a job of an engine that needs one runs on: the estimate is for that.

    `variant_of` is the id of the entry that another engine trains usually: both are of one base model, whose
    id at the service is that one (`service_id`).

    `hub_content` is its name in SageMaker's public hub, `architecture` what its `config.json` names,
    `license` the one that a person has to accept (empty: none), `likely_units` and `most_units` what a copy
    of an imported model of it is billed as.
    """

    id: str
    name: str
    family: str
    regions: tuple[str, ...]
    inference_id: str
    lifecycle_id: str
    methods: dict[Method, MethodRules]
    hyperparameters: dict[str, Hyperparameter]
    serving: Serving
    prices: Prices
    lifecycle: Lifecycle
    source: Source
    price_list_name: str = ""
    images: Media | None = None
    videos: Media | None = None
    documents: Media | None = None
    engine: str = "bedrock"
    training_instance: str = ""
    variant_of: str = ""
    hub_content: str = ""
    architecture: str = ""
    license: str = ""
    likely_units: int = 1
    most_units: int = 1
    notes: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        """What follows the provider in its id (`qwen3-8b`): a part of names that are made of it."""
        return self.id.partition(".")[2]

    @property
    def service_id(self) -> str:
        """What the service that trains it calls it."""
        return self.variant_of or self.id

    def engine_of(self, method: Method | Literal["auto"]) -> str:
        """The name of the engine that trains it by a method; `auto`: by its usual ones."""
        own = self.methods[method].engine if method in self.methods else ""
        return own or self.engine

    def regions_of(self, method: Method | Literal["auto"]) -> tuple[str, ...]:
        """Where it is tuned by a method and the result can be served; `auto`: by its usual ones."""
        own = self.methods[method].regions if method in self.methods else ()
        return own or self.regions

    def hyperparameters_of(self, method: Method | Literal["auto"]) -> dict[str, Hyperparameter]:
        """What can be set for a method; for `auto`, what the base model takes in general."""
        own = self.methods[method].hyperparameters if method in self.methods else None
        return self.hyperparameters if own is None else own

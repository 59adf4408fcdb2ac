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
"""The dataset formats that AWS reads, each with one JSON object per line.

`prompt-completion` {prompt, completion} · `converse` bedrock-conversation-2024 · `text` {input} ·
`openai-chat` {messages: [{role, content: string}], reference_answer} · `messages` the same with its answer
and no other keys · `preference` {chosen: [messages], rejected: [messages]} · `image-caption` {image-ref,
caption}
"""

CONVERSATIONS: tuple[Format, ...] = ("converse", "openai-chat", "messages", "preference")
"""The formats whose models take messages; models of the others take a single text."""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was read, and when (YYYY-MM-DD). `doubt` says what the sources disagree about."""

    page: str
    read_on: str
    doubt: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list price in US dollars; the unit is named by the field that holds it.

    `doubt` says what is uncertain about it, such as a rate derived from an example.
    """

    usd: float
    source: str
    priced_on: str
    doubt: str = ""


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a model became Legacy and when it ends (YYYY-MM-DD); empty: not announced.

    On a Legacy model no new customization job or provisioned throughput may start, and new customers have no
    access; models tuned earlier work until the end (Bedrock user guide, model-lifecycle and
    model-lifecycle-legacy, read 2026-11-29).

    Attributes
    ----------
    successor
        The base model to tune instead, by its id in the catalog; our recommendation, not documented by AWS.
    """

    source: Source
    legacy_since: str = ""
    ends_on: str = ""
    successor: str = ""

    def state(self, on: str) -> Literal["active", "legacy", "ended"]:
        """The state of the model on a day (YYYY-MM-DD)."""
        if self.ends_on and on >= self.ends_on:
            return "ended"
        return "legacy" if self.legacy_since and on >= self.legacy_since else "active"


class Hyperparameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of Bedrock's `hyperParameters` map, under Bedrock's own name (`epochCount`).

    `default` may be `auto`, so that the service chooses; `words` are the allowed words, `values` the allowed
    numbers.
    """

    type: Literal["int", "float", "word"]
    default: float | str
    minimum: float = 0
    maximum: float = math.inf
    words: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def refusal(self, value: object) -> str:
        """Why a value is invalid; empty if it is valid."""
        if self.type == "word":
            return "" if value in self.words else f"{value!r} is not one of {', '.join(self.words)}"
        if value == "auto" == self.default:
            return ""
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
        if isinstance(value, str):
            return value
        return str(int(value)) if self.type == "int" else format(Decimal(str(value)), "f")


class MediaTokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many tokens an image, video or document is billed as: minimum, likely, maximum."""

    low: int
    likely: int
    high: int
    source: Source

    def __str__(self) -> str:
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


class Media(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images or videos that a base model accepts; 0 is no known limit.

    On `doubtful_formats` the sources disagree; `size_is_doubtful` if no page documents it. `max_seconds` is
    for videos. `tokens` is None if no page documents them.
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
        """Whether it has ended on a day (YYYY-MM-DD)."""
        return bool(self.ends_on and on >= self.ends_on)


class MethodRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base model's requirements for the dataset of one method. Records are lines, sizes bytes; 0 is no
    limit.

    Attributes
    ----------
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
    """The serving modes of models tuned from this base model, and the on-demand request limits.

    `mantle`: through the OpenAI-compatible endpoint that tuned it, billed by token.
    """

    on_demand: bool
    provisioned: bool
    source: Source
    imported: bool = False
    mantle: bool = False
    on_demand_requests_per_minute: int = 0


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: no dated source was found; the estimate names the SKU that is missing.

    `imported_…` are per custom model unit of an imported model, per minute of its five-minute windows and per
    month of storage.

    `custom_…` are for on-demand tokens of a tuned model; None if they cost the same as the base model's.
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
    """A base model that can or could be customized; `lifecycle` is the last known.

    `engine` trains it unless a method names another. `id` is for customization; `inference_id` for Converse
    with the base model itself (a model id, or an inference profile such as
    `us.meta.llama3-3-70b-instruct-v1:0`), empty if Bedrock does not sell it on demand; `lifecycle_id` for
    GetFoundationModel, empty if Bedrock does not know it. The live lifecycle overrides the catalog.
    `price_list_name` is its name in the usage types of AWS's price list
    (`USE1-NovaLite-Customization-Training`).

    `training_instance` is the instance type for an engine that needs one, also in estimates.

    `variant_of` is the id of the same base model's entry for another engine; the service knows it by that id
    (`service_id`).

    `hub_content` is its name in SageMaker's public hub, `architecture` that in its `config.json`, `license`
    the one to accept (empty: none), `likely_units` and `most_units` the billed units of a copy of an imported
    model.
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
        """Its id without the provider (`qwen3-8b`), used in generated names."""
        return self.id.partition(".")[2]

    @property
    def service_id(self) -> str:
        """Its id at the service that trains it."""
        return self.variant_of or self.id

    def engine_of(self, method: Method | Literal["auto"]) -> str:
        """The name of the engine that trains it by a method; `auto`: its default engine."""
        own = self.methods[method].engine if method in self.methods else ""
        return own or self.engine

    def regions_of(self, method: Method | Literal["auto"]) -> tuple[str, ...]:
        """The Regions where it can be tuned by a method and served; `auto`: its default Regions."""
        own = self.methods[method].regions if method in self.methods else ()
        return own or self.regions

    def hyperparameters_of(self, method: Method | Literal["auto"]) -> dict[str, Hyperparameter]:
        """The hyperparameters for a method; for `auto`, those of the base model in general."""
        own = self.methods[method].hyperparameters if method in self.methods else None
        return self.hyperparameters if own is None else own

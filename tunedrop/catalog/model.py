"""What the catalog says of a base model. Every figure carries its source and date."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts import Commitment, Method

Format = Literal["prompt-completion", "converse", "text", "openai-chat"]
"""The dataset formats that Bedrock reads: one JSON object a line in each.

`prompt-completion` {prompt, completion} · `converse` bedrock-conversation-2024 · `text` {input} ·
`openai-chat` {messages: [{role, content: string}], reference_answer}
"""


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was read, and when (YYYY-MM-DD). `doubt` says what the sources disagree about."""

    page: str
    read_on: str
    doubt: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list price in US dollars; the unit is named by the field that holds it."""

    usd: float
    source: str
    priced_on: str


class Hyperparameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of Bedrock's `hyperParameters` map, under Bedrock's own name (`epochCount`)."""

    type: Literal["int", "float"]
    minimum: float
    maximum: float
    default: float


class MethodRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a base model asks of a dataset for one method. Records are lines, sizes bytes; 0 is no limit."""

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
    takes_system_prompt: bool = True
    takes_images: bool = False
    takes_video: bool = False
    reserved_words: tuple[str, ...] = ()
    recommended_records: int = 0


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ways of serving a model customized from this base exist, and the on-demand request limits."""

    on_demand: bool
    provisioned: bool
    source: Source
    on_demand_requests_per_minute: int = 0


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: no dated source was found; the estimate says so instead of guessing silently."""

    training_per_million_tokens: Price | None = None
    storage_per_month: Price | None = None
    input_per_million_tokens: Price | None = None
    output_per_million_tokens: Price | None = None
    provisioned_per_unit_hour: dict[Commitment, Price] = {}


class BaseModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base model that Bedrock can customize, or could: `retired_on` is the last known end of life.

    `id` is what customization takes; `inference_id` is what Converse takes for the base model itself (a
    model id, or an inference profile such as `us.meta.llama3-3-70b-instruct-v1:0`); `lifecycle_id` is what
    GetFoundationModel takes. The live lifecycle overrides this page.
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
    source: Source
    retired_on: str = ""
    notes: tuple[str, ...] = ()

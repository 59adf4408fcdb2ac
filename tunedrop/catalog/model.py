"""The catalog entry of a base model. Every figure has a source and a date."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.catalog.media import Media
from tunedrop.catalog.method import Hyperparameter, MethodRules
from tunedrop.catalog.source import Price, Source
from tunedrop.contracts import Commitment, Method


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


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The serving modes of models tuned from this base model, by name (`tunedrop.serving.kinds`), and the
    on-demand request limits."""

    ways: tuple[str, ...]
    source: Source
    on_demand_requests_per_minute: int = 0


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: no dated source was found; the estimate names the SKU that is missing.

    `imported_…` are per custom model unit of an imported model, per minute of its five-minute windows and per
    month of storage.

    `training_per_image` is for each time that the model sees an image.

    `custom_…` are for on-demand tokens of a tuned model; None if they cost the same as the base model's.
    """

    training_per_million_tokens: Price | None = None
    training_per_image: Price | None = None
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
    def names(self) -> tuple[str, ...]:
        """What it is called in its catalog entry and by AWS's services; some may be empty."""
        return (self.id, self.lifecycle_id, self.inference_id, self.hub_content)

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

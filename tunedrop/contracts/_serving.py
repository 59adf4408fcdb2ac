"""The steps set_up_throughput and release_throughput: served and released resources."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts._run import Way


class ImportedBase(msgspec.Struct, frozen=True, kw_only=True):
    """The imported base model for the comparison, if Bedrock does not offer it on demand.

    `arn` is the import job or, after it has ended, the imported model; `failure` says why there is none.
    """

    arn: str = ""
    units: int = 0
    failure: str = ""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The resource that serves the tuned model. `arn` is the modelId for inference.

    `provisional`: for the evaluation only; a model that passes gets the provisioned throughput that the run
    requests. `units` is the number of billed units of a copy of an imported model, known after the import.
    `base` is None if the base model is available on demand.
    """

    way: Way
    arn: str
    name: str
    model_arn: str
    status: Literal["Creating", "InService"]
    hourly_usd: float
    created_at: str
    expires_at: str
    in_service_at: str = ""
    provisional: bool = False
    units: int = 0
    base: ImportedBase | None = None


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that release_throughput released, kept on purpose, or failed to release."""

    released: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

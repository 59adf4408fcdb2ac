"""The steps set_up_throughput and release_throughput: served and released resources."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts._run import Way


class ImportedBase(msgspec.Struct, frozen=True, kw_only=True):
    """The base model that answers beside the tuned one, where Bedrock does not sell it on demand.

    `arn` is the import job, and once it has ended the imported model; `failure` says why there is none.
    """

    arn: str = ""
    units: int = 0
    failure: str = ""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The resource that serves the tuned model. `arn` is the modelId for inference.

    `provisional`: for the evaluation only; a model that passes gets the provisioned throughput that the run
    asks for. `units` is what a copy of an imported model is billed as: known once it is imported. `base` is
    None where the base model is asked on demand.
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

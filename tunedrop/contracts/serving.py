"""The steps set_up_throughput and release_throughput: served and released resources."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts.run import Way


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The resource that serves the tuned model. `arn` is the modelId for inference.

    `provisional`: for the evaluation only; a model that passes gets the provisioned throughput that the run
    asks for. `units` is what a copy of an imported model is billed as: known once it is imported.
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


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that release_throughput released, kept on purpose, or failed to release."""

    released: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

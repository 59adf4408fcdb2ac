"""The steps set_up_throughput and release_throughput: what serves a model, and what no longer does."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts.run import Way


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tuned model answers. `arn` is what inference takes as its modelId.

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
    """What release_throughput ended, what it left running on purpose, and what it could not end."""

    released: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

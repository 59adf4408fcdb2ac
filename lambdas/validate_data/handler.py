"""validate_data: every record against the base model's own rules; split, converted, written for Bedrock."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import Dataset, Run, Sharding
from tunedrop.dataset.validate import validate_all


class Input(msgspec.Struct, frozen=True):
    """`sharding`: what the shards of a large dataset have just done."""

    run: Run
    sharding: Sharding | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Dataset | Sharding:
    return validate_all(services.aws.s3, services.stage, payload.run, payload.sharding)

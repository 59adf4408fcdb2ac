"""validate_shard: a part of a large dataset is checked; later it is split, converted and written."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import ByteRange, Run, ShardDone, ShardWork
from tunedrop.steps.validate_data import validate_shard


class Input(msgspec.Struct, frozen=True):
    run: Run
    work: ShardWork
    shard: ByteRange


@step(Input)
def handler(payload: Input, services: Services) -> ShardDone:
    return validate_shard(services.aws.s3, services.stage, payload.run, payload.work, payload.shard)

"""validate_shard: checks a part of a large dataset; in a second pass splits, converts and writes it."""

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

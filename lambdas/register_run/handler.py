"""register_run: the run that an upload asks for; drops duplicates of the same upload."""

from __future__ import annotations

from typing import Any

import msgspec

from lambdas.services import Services, logger
from lambdas.step import step
from tunedrop import registration
from tunedrop.contracts import Registration
from tunedrop.registration import ObjectCreated


class Input(msgspec.Struct, frozen=True):
    """`event` is S3's "Object Created" event as EventBridge delivers it."""

    event: dict[str, Any]
    execution_arn: str


@step(Input)
def handler(payload: Input, services: Services) -> Registration:
    event = ObjectCreated.from_event(payload.event)
    found = registration.register(services.aws.s3, services.stage, event, payload.execution_arn)
    if found.run is None:
        return found
    logger.append_keys(run_id=found.run.run_id)
    if not services.registry.register(found.run):
        logger.info("this upload already has a run")
        return Registration(outcome="duplicate", run=found.run)
    return found

"""register_run: the run that an upload asks for; drops duplicates of the same upload."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from lambdas.services import Services, logger
from lambdas.step import step
from tunedrop import intake
from tunedrop.contracts import Registration
from tunedrop.registration import held_out, resuming
from tunedrop.registration import register as registration
from tunedrop.registration.register import ObjectCreated


class Input(msgspec.Struct, frozen=True):
    """`event` is S3's "Object Created" event as EventBridge delivers it."""

    event: dict[str, Any]
    execution_arn: str


@step(Input)
def handler(payload: Input, services: Services) -> Registration:
    event = ObjectCreated.from_event(payload.event)
    upload = intake.read_key(event.source.key)
    if upload.kind == "retry":
        return _retry(event, upload.name, payload.execution_arn, services)
    found = registration.register(
        services.aws.s3, services.stage, event, payload.execution_arn, services.registry.latest_model
    )
    if found.run is None:
        return found
    logger.append_keys(run_id=found.run.run_id)
    if not services.registry.register(found.run):
        logger.info("this upload already has a run")
        return Registration(outcome="duplicate", run=found.run)
    return found


def _retry(event: ObjectCreated, name: str, execution_arn: str, services: Services) -> Registration:
    """A retry object: the latest run of that name goes on; the object may name the step."""
    record = next(iter(services.registry.named(name)), None)
    if record is None:
        return Registration(outcome="ignored")
    logger.append_keys(run_id=record.run.run_id)
    asked = registration.read_step(services.aws.s3, event.source)
    now = partial(held_out.as_it_is_now, services.aws.s3, signal=event.source)
    return resuming.resume(services.aws.bedrock, services.registry, record, execution_arn, asked, now)

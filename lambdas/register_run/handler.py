"""register_run: creates the run of an upload; ignores duplicate events."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from lambdas.services import Services, logger
from lambdas.step import step
from tunedrop import intake, registration
from tunedrop.contracts import Failure, Registration
from tunedrop.errors import InvalidManifest
from tunedrop.intake import Upload
from tunedrop.intake.tenants import tenant_of
from tunedrop.registration import GROWN, ObjectCreated, resuming, retry_test_set
from tunedrop.registration.succession import SUCCESSION
from tunedrop.training import parents


class Input(msgspec.Struct, frozen=True):
    """`event` is S3's "Object Created" event as EventBridge delivers it.

    With a `failure`, all tries have failed: the upload gets a refused run.
    """

    event: dict[str, Any]
    execution_arn: str
    failure: Failure | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Registration:
    event = ObjectCreated.from_event(payload.event)
    upload = intake.read_key(event.source.key, services.stage.tenants)
    if payload.failure is not None:
        return _refuse(event, upload, payload.execution_arn, payload.failure, services)
    if upload.kind == "retry":
        return _retry(event, upload, payload.execution_arn, services)
    found = registration.register(
        services.aws.s3,
        services.stage,
        event,
        payload.execution_arn,
        services.registry.latest_model,
        partial(parents.method_of, services.aws, services.stage),
    )
    return _kept(found, services, again=event.reason in (GROWN, SUCCESSION))


def _kept(found: Registration, services: Services, *, again: bool = False) -> Registration:
    """Save the run in the registry; a duplicate if the upload already has one."""
    if found.run is None:
        return found
    logger.append_keys(run_id=found.run.run_id)
    if not services.registry.register(found.run, again=again):
        logger.info("this upload already has a run")
        return Registration(outcome="duplicate", run=found.run)
    return _in_its_place(found, services)


def _in_its_place(found: Registration, services: Services) -> Registration:
    """Refuse the run if the maximum of open runs is reached; it can be resumed later."""
    run = found.run
    if run is None or found.outcome not in ("registered", "resumed"):
        return found
    tenant = tenant_of(services.stage, run.source.key) or ""
    if services.open_runs.take(tenant, run.run_id):
        return found
    failure = registration.too_many(services.stage, run, tenant)
    return msgspec.structs.replace(found, outcome="refused", failure=failure)


def _refuse(
    event: ObjectCreated, upload: Upload, execution_arn: str, failure: Failure, services: Services
) -> Registration:
    """The run that an earlier try has registered or reopened before it failed; else a refused run."""
    begun = services.registry.run_of(event.source) or services.registry.get(upload.name)
    if begun is not None and begun.is_open and begun.run.execution_arn == execution_arn:
        failure = msgspec.structs.replace(failure, step="register_run")
        return Registration(outcome="refused", run=begun.run, failure=failure)
    return _kept(registration.refused(services.stage, event, execution_arn, failure), services)


def _retry(event: ObjectCreated, upload: Upload, execution_arn: str, services: Services) -> Registration:
    """A retry object starts the next attempt at a run; its content may name the step."""
    record = services.registry.get(upload.name)
    if record is None:
        why = Failure(error=InvalidManifest.__name__, cause=f"there is no run {upload.name} to retry")
        return _refuse(event, upload, execution_arn, why, services)
    logger.append_keys(run_id=record.run.run_id)
    asked = resuming.step_named(services.aws.s3, event.source)
    now = partial(retry_test_set.as_it_is_now, services.aws.s3)
    found = resuming.resume(services.aws, services.registry, record, execution_arn, upload.code, asked, now)
    return _in_its_place(found, services)

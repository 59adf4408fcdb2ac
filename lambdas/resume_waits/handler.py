"""resume_waits: resolves callbacks. Called on the events of jobs, for approve and stop objects, and on a
schedule in case one was lost."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import Services, logger, metrics, services, tracer
from lambdas.step import named_errors
from tunedrop import intake
from tunedrop.contracts import Wait
from tunedrop.waiting.resolve import Callbacks


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, list[str]]:
    here = services()
    callbacks = here.callbacks
    with named_errors():
        resolved = _resolve(event, here, callbacks)
    metrics.add_metric("FailingSubjects", MetricUnit.Count, len(callbacks.troubles.failed))
    metrics.flush_metrics()
    for wait in resolved:
        logger.info("resolved", extra={"run_id": wait.run_id, "wait": wait.kind})
    return {"resolved": [f"{wait.run_id} {wait.kind}" for wait in resolved]}


def _resolve(event: dict[str, Any], services: Services, callbacks: Callbacks) -> list[Wait]:
    match event.get("source"):
        case "aws.s3":
            return _signal(event, services, callbacks)
        case str() if subject := _job_of(event):
            return callbacks.resolve_about(subject)
        case _:
            return callbacks.resolve_all()


def _job_of(event: dict[str, Any]) -> str:
    """The job of an event: in its detail, or its resource."""
    resources = event.get("resources") or [""]
    return str(event.get("detail", {}).get("jobArn") or resources[0] if event.get("detail") else "")


def _signal(event: dict[str, Any], services: Services, callbacks: Callbacks) -> list[Wait]:
    """The run of an approve or stop object. The event may come late, so a stop counts if its object is there
    and newer than the attempt."""
    upload = intake.read_signal(event["detail"]["object"]["key"])
    record = services.registry.get(upload.name) if upload.kind in ("approve", "stop") else None
    if record is None or not record.is_open:
        return []
    if upload.kind == "stop":
        callbacks.stops(record.run, event["detail"].get("requester", ""))
    return callbacks.resolve_run(record.run.run_id)

"""resume_waits: gives parked task tokens back. Woken by Bedrock's events, by approve and stop objects, and by
a schedule that catches what was lost."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import Services, logger, services, tracer
from lambdas.step import named_errors
from tunedrop import intake
from tunedrop.contracts import Wait


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, list[str]]:
    with named_errors():
        settled = _settle(event, services())
    for wait in settled:
        logger.info("settled", extra={"run_id": wait.run_id, "wait": wait.kind})
    return {"settled": [f"{wait.run_id} {wait.kind}" for wait in settled]}


def _settle(event: dict[str, Any], services: Services) -> list[Wait]:
    match event.get("source"):
        case "aws.bedrock":
            return services.settler.settle_about(event["detail"]["jobArn"])
        case "aws.s3":
            return _signal(event, services)
        case _:
            return services.settler.settle_all()


def _signal(event: dict[str, Any], services: Services) -> list[Wait]:
    """An approve or stop object: it is about every open run of that name."""
    upload = intake.read_key(event["detail"]["object"]["key"])
    settled: list[Wait] = []
    for record in services.registry.named(upload.name):
        if not record.is_open:
            continue
        if upload.kind == "stop":
            services.registry.request_stop(record.run.run_id, event["detail"].get("requester", ""))
        settled += services.settler.settle_run(record.run.run_id)
    return settled

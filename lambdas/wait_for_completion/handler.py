"""wait_for_completion: stores the task token of a waiting run, and polls once."""

from __future__ import annotations

import msgspec

from lambdas.services import Services, logger
from lambdas.step import step
from tunedrop.contracts import Estimate, Run, Wait, WaitKind
from tunedrop.waiting import approval, create


class Input(msgspec.Struct, frozen=True):
    """`subject` is what the run waits for: a job or throughput ARN, else the run's id.

    With an `estimate`, it becomes the key of the object that approves it.
    """

    run: Run
    kind: WaitKind
    subject: str
    token: str
    estimate: Estimate | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Wait:
    subject = approval.key_of(payload.run, payload.estimate) if payload.estimate else payload.subject
    wait = create.wait_of(services.stage, payload.run, payload.kind, subject, payload.token)
    logger.info("waiting", extra={"wait": wait.kind, "subject": wait.subject})
    kept = services.callbacks.register(wait)
    if payload.estimate is not None:
        approval.note(services.registry, kept.subject)
        approval.ask(services.aws.sns, services.stage, payload.run, payload.estimate, kept.expires_at)
    return kept

"""Training jobs that AWS accepts but does not start: reported once, stopped if the stage says so.

Jobs have stayed in phase NotStarted for 25 to 74 hours, unbilled and without a message (a public report of
August 2026, two accounts).
"""

from __future__ import annotations

from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.aws.subjects import attributes, subject
from tunedrop.contracts import Run, Wait
from tunedrop.errors import CustomizationFailed
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.training import engines


def check(aws_: Aws, stage: Stage, registry: Registry, wait: Wait) -> None:
    """Check whether a job has not started within the stage's limit (`stalled_after_seconds`).

    Raises
    ------
    CustomizationFailed
        If it was stopped for that (`stop_stalled`); nothing has been billed for it.
    """
    waited = clock.seconds_between(wait.parked_at, clock.now())
    record = registry.get(wait.run_id)
    if not stage.stalled_after_seconds or waited < stage.stalled_after_seconds or record is None:
        return
    job = engines.of_job(wait.subject).describe(aws_, wait.subject)
    if job is None or not job.has_not_started:
        return
    said = text(stage, record.run, wait.subject, waited)
    if not registry.is_claimed("STALLED", wait.subject):
        _publish(aws_, stage, record.run, said)
        registry.claim("STALLED", wait.subject)
    if stage.stop_stalled:
        engines.of_job(wait.subject).stop(aws_, wait.subject)
        raise CustomizationFailed(said)


def text(stage: Stage, run: Run, job_arn: str, waited: float) -> str:
    """The text: what has happened, what it costs, and what to do."""
    others = [one.id for one in catalog.tunable(region=stage.region) if one.id != run.base_model]
    try_ = f"try another base model: {' or '.join(others)}" if others else "try again later"
    done = "It was stopped" if stage.stop_stalled else f"To stop it: tunedrop stop {run.run_id}"
    return (
        f"AWS has not started training after {clock.about(waited)} (job {job_arn}, phase NotStarted). "
        f"Nothing is billed for such a job. {done}; upload the dataset again, or {try_}"
    )


def _publish(aws_: Aws, stage: Stage, run: Run, said: str) -> None:
    aws_.sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: the job of {run.run_id} does not start"),
        Message=f"{said}.\n",
        MessageAttributes=attributes(
            {"event": "job-stalled", "stage": stage.name, "run_id": run.run_id}, run.notify
        ),
    )

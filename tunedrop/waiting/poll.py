"""Whether what a run waits for has come: one look for each kind of wait.

A look gives the step's output when the wait is over well, None while it is not over, and raises a `RunError`
when it is over badly.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, intake
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, Run, Serving, Wait
from tunedrop.errors import CustomizationFailed, OverBudget, RunError, RunStopped, TransientError
from tunedrop.evaluation import judge_jobs
from tunedrop.planning.plan import has_several_jobs
from tunedrop.registry import Registry
from tunedrop.serving import throughput
from tunedrop.stage import Stage
from tunedrop.training import jobs
from tunedrop.waiting import stalled


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said yes, or nobody said no in a stage where that counts as yes.

    S3 permissions are the authorisation; the bucket's log says who.
    """

    approved_at: str


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """It is this run's turn to start its customization job."""

    granted: bool = True


class JobEnded(msgspec.Struct, frozen=True, kw_only=True):
    """One of several jobs of a run has ended, well or badly: start_customization sees what is next."""

    job_arn: str


def look(aws_: Aws, stage: Stage, registry: Registry, wait: Wait) -> msgspec.Struct | None:
    """One look at what a run waits for.

    Raises
    ------
    RunError
        When it will not come: the job failed, approval was not given in time, the throughput failed. An
        evaluation job that failed ends its wait well: evaluate_model decides without it.
    """
    match wait.kind:
        case "training":
            return _training(aws_, stage, registry, wait)
        case "throughput":
            return _throughput(aws_, registry, wait)
        case "approval":
            return _approval(aws_.s3, stage, registry, wait)
        case "slot":
            return Slot()
        case "judging":
            job = judge_jobs.look(aws_.bedrock, wait.subject)
            return job if job.is_over else None


def free_slots(bedrock: Any, most: int) -> int:
    """How many more customization jobs Bedrock would take now, where so many may run at once."""
    return max(0, most - jobs.count_in_progress(bedrock))


def signalled(s3: Any, stage: Stage, run: Run, signal: Literal["approve", "stop"]) -> bool:
    """Whether the object that approves or stops this run was put since it began; a stop, since its retry."""
    since = run.resumed_at if signal == "stop" and run.resumed_at else run.created_at
    for name in (run.name, run.run_id):
        try:
            head = s3.head_object(Bucket=stage.intake_bucket, Key=intake.signal_key(name, signal))
        except ClientError as error:
            if aws.is_missing(error):
                continue
            raise
        if head["LastModified"] >= clock.read(since):
            return True
    return False


def _training(aws_: Aws, stage: Stage, registry: Registry, wait: Wait) -> CompletedJob | JobEnded | None:
    record = registry.get(wait.run_id)
    several = record is not None and has_several_jobs(record.run)
    try:
        job = jobs.outcome(aws_.bedrock, wait.subject)
        if job is None:
            stalled.look(aws_, stage, registry, wait)
    except (CustomizationFailed, RunStopped):
        if not several:
            raise
        return JobEnded(job_arn=wait.subject)
    return JobEnded(job_arn=wait.subject) if several and job is not None else job


def _approval(s3: Any, stage: Stage, registry: Registry, wait: Wait) -> Approval | None:
    record = registry.get(wait.run_id)
    if record is None:
        raise RunError(f"the registry does not know run {wait.run_id}")
    if signalled(s3, stage, record.run, "approve"):
        return Approval(approved_at=clock.now())
    if wait.expires_at and clock.now() >= wait.expires_at:
        if stage.when_unanswered == "approve":
            return Approval(approved_at=clock.now())
        raise OverBudget(
            f"nobody approved the run before {wait.expires_at}. Nothing was paid. To run it, raise "
            "budget_usd in the manifest and upload it again, or approve within the stage's time limit"
        )
    return None


def _throughput(aws_: Aws, registry: Registry, wait: Wait) -> Serving | None:
    record = registry.get(wait.run_id)
    serving = record.document("serving", Serving) if record else None
    if serving is None or serving.arn != wait.subject:
        raise TransientError(f"the registry does not yet say what {wait.subject} serves")
    return throughput.outcome(aws_.bedrock, serving)

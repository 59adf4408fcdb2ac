"""Polls the condition of each kind of wait.

A poll returns the step's output when the wait has succeeded, None while it continues, and raises a `RunError`
when it has failed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tunedrop import clock, intake
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, Estimate, Run, Serving, Wait
from tunedrop.errors import CustomizationFailed, OverBudget, RunStopped, TransientError
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.planning.plan import has_several_jobs
from tunedrop.registry import Registry
from tunedrop.serving import bases, kinds, throughput
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import TrainingEngine, outcome
from tunedrop.waiting import _stalled


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """The run was approved, or not refused in time in a stage where that counts as approval.

    S3 permissions are the authorization; the bucket's log records the user.
    """

    approved_at: str


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """The run may start its customization job, or create its deployment."""

    granted: bool = True


class JobEnded(msgspec.Struct, frozen=True, kw_only=True):
    """One of several jobs of a run has ended, with or without success; start_customization decides what is
    next."""

    job_arn: str


def poll(aws_: Aws, stage: Stage, registry: Registry, wait: Wait) -> msgspec.Struct | None:
    """Poll once for what a run waits for.

    Raises
    ------
    RunError
        If the wait has failed: the job failed, approval was not given in time, the throughput failed. The
        wait for an evaluation job succeeds even if the job failed: evaluate_model decides without it.
    """
    match wait.kind:
        case "training":
            return _training(aws_, stage, registry, wait)
        case "throughput":
            return _throughput(aws_, registry, wait)
        case "approval":
            return _approval(aws_.s3, stage, registry, wait)
        case "slot" | "deployment":
            return Slot()
        case "judging":
            job = judge_jobs.describe(aws_.bedrock, wait.subject)
            return job if job.is_over else None


def free_slots(aws_: Aws, engine: TrainingEngine, quota: int, refused_at: int | None) -> int:
    """How many more jobs an engine would accept now.

    Parameters
    ----------
    quota
        The stage's maximum of concurrent customization jobs.
    refused_at
        How many jobs were running when the engine refused one lately.
    """
    running = engine.in_progress(aws_)
    free = quota - engine.of_tunedrop(aws_, running)
    return max(0, free if refused_at is None else min(free, refused_at - running))


def free_deployments(bedrock: Any, refused_at: int | None) -> int:
    """How many runs may try: one for each deployment deleted since Bedrock's refusal; one if that was a day
    ago."""
    if refused_at is None:
        return 1
    found = [one for kind in kinds.every() if kind.queues for one in kind.existing(bedrock)]
    return max(0, refused_at - len(found))


def is_stopped(s3: Any, stage: Stage, run: Run) -> bool:
    """Whether the object is there that stops this attempt at the run; one that was there before it began
    stops nothing."""
    return _is_there(s3, stage, intake.signal_key(run.run_id, "stop", str(run.attempt)), run.resumed_at)


def _is_there(s3: Any, stage: Stage, key: str, since: str = "") -> bool:
    """Whether a signal is in the intake bucket, put there at this moment or later.

    It is listed, not read, so that an object encrypted with an unusable key counts like any other.
    """
    found = s3.list_objects_v2(Bucket=stage.intake_bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    mine = (item for item in found if item["Key"] == key)
    return any(not since or clock.write(item["LastModified"]) >= since for item in mine)


def _training(aws_: Aws, stage: Stage, registry: Registry, wait: Wait) -> CompletedJob | JobEnded | None:
    record = registry.get(wait.run_id)
    several = record is not None and has_several_jobs(record.run)
    try:
        engine = engines.of_job(wait.subject)
        job = outcome(engine, aws_, wait.subject)
        if job is None:
            engine.end_twins(aws_, wait.subject)
            _stalled.check(aws_, stage, registry, wait)
    except (CustomizationFailed, RunStopped):
        if not several:
            raise
        return JobEnded(job_arn=wait.subject)
    return JobEnded(job_arn=wait.subject) if several and job is not None else job


def _approval(s3: Any, stage: Stage, registry: Registry, wait: Wait) -> Approval | None:
    if _is_there(s3, stage, wait.subject):
        return Approval(approved_at=clock.now())
    if wait.expires_at and clock.now() >= wait.expires_at:
        record = registry.get(wait.run_id)
        estimate = record.document("estimate", Estimate) if record is not None else None
        for_a_person = estimate is not None and (
            estimate.unrelated_to or estimate.uncompared_with or estimate.put_by_hand or estimate.succeeds
        )
        if stage.when_unanswered == "approve" and not for_a_person:
            return Approval(approved_at=clock.now())
        if record is not None and (record.run.spent_before_usd or record.run.is_trained):
            raise OverBudget(
                f"nobody approved the run before {wait.expires_at}. Nothing more was paid. To continue it, "
                "retry it, and approve within the stage's time limit"
            )
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
    served = throughput.outcome(aws_.bedrock, serving)
    if served is None or served.base is None:
        return served
    base = bases.outcome(aws_.bedrock, served.base, served.created_at)
    return msgspec.structs.replace(served, base=base) if base is not None else None

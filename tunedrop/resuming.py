"""Going on with a run that ended before its time: from where it was, and never training twice."""

from __future__ import annotations

from typing import Any

import msgspec

from tunedrop import clock
from tunedrop.contracts import (
    CompletedJob,
    Dataset,
    Estimate,
    Evaluation,
    Registration,
    Resume,
    ResumePoint,
    StartedJob,
)
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.registry import Record, Registry
from tunedrop.training import jobs
from tunedrop.training.plan import has_several_jobs

RETRIABLE = ("failed", "stopped", "refused")
"""Outcomes after which there is something left to do."""

POINTS: tuple[ResumePoint, ...] = ("validate_data", "preflight", "set_up_throughput")
"""Where a run can go on, in the order of the journey; each later step follows from one of them."""


def resume(bedrock: Any, registry: Registry, record: Record, execution_arn: str, asked: str) -> Registration:
    """Open a run again and say where it goes on.

    Parameters
    ----------
    asked
        A step from which the user wants it to go on; empty for the step that failed. A step before the
        training counts only while there is no trained model.
    """
    run = record.run
    if run.execution_arn == execution_arn and record.is_open:
        # This execution has opened it, and asks again after its function died.
        return _resumed(bedrock, record, asked)
    if record.status not in RETRIABLE or not run.base_model:
        return Registration(outcome="ignored", run=run)
    again = msgspec.structs.replace(
        run, attempt=run.attempt + 1, execution_arn=execution_arn, resumed_at=clock.now()
    )
    if not registry.reopen(again):
        return Registration(outcome="duplicate", run=run)
    return _resumed(bedrock, msgspec.structs.replace(record, run=again), asked)


def _resumed(bedrock: Any, record: Record, asked: str) -> Registration:
    job = _finished_job(bedrock, record)
    evaluation = record.document("evaluation", Evaluation)
    dataset = record.document("dataset", Dataset)
    return Registration(
        outcome="resumed",
        run=record.run,
        resume=Resume(
            point=point(asked, dataset is not None, job is not None),
            dataset=dataset,
            estimate=record.document("estimate", Estimate),
            started=record.document("started", StartedJob),
            job=job,
            next_record=evaluation.next_record if evaluation is not None else 0,
        ),
    )


def point(asked: str, has_dataset: bool, is_trained: bool) -> ResumePoint:
    """Where to go on: the last point that what is there allows, or an earlier one that was asked for."""
    if is_trained and has_dataset:
        return "set_up_throughput"
    latest: ResumePoint = "preflight" if has_dataset else "validate_data"
    return "validate_data" if asked == "validate_data" else latest


def _finished_job(bedrock: Any, record: Record) -> CompletedJob | None:
    """The job that has given the run a model, also where nobody has noticed yet.

    Of several jobs, those that are trained stay so: start_customization finds them.
    """
    if (job := record.document("job", CompletedJob)) is not None:
        return job
    started = record.document("started", StartedJob)
    if started is None or not started.job_arn or has_several_jobs(record.run):
        return None
    try:
        return jobs.outcome(bedrock, started.job_arn)
    except (CustomizationFailed, RunStopped):
        return None

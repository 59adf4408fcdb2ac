"""Resumes a run that ended early or inconclusive, without training twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock
from tunedrop.aws import Aws
from tunedrop.contracts import (
    ActualCost,
    CompletedJob,
    Dataset,
    Estimate,
    Evaluation,
    Failure,
    Registration,
    Resume,
    ResumePoint,
    Run,
    S3Object,
    StartedJob,
)
from tunedrop.cost.actual import evaluated_usd
from tunedrop.errors import CustomizationFailed, ModelDeleted, NameTaken, RunStopped
from tunedrop.planning.plan import has_several_jobs
from tunedrop.registration import _data_files
from tunedrop.registry import Record, Registry
from tunedrop.serving import models
from tunedrop.training import engines
from tunedrop.training.engine import outcome

RETRIABLE = ("failed", "stopped", "refused", "inconclusive")
"""Outcomes after which a run can be retried."""

POINTS: tuple[ResumePoint, ...] = ("validate_data", "preflight", "estimate_cost")
"""The steps from which a run can resume, in order; each later step follows from one of them."""


def follows(record: Record, ended: str, at: datetime) -> bool:
    """Whether a retry object of this time applies: it must name the attempt that has ended, and be newer than
    its end."""
    return (
        record.status in RETRIABLE
        and str(record.run.attempt) == ended
        and bool(record.run.base_model)
        and clock.write(at) >= record.ended_at
    )


def reevaluates(record: Record) -> bool:
    """Whether a retry re-evaluates the run's model: the evaluation was inconclusive, or compared with a model
    that is no longer in production, or a re-evaluation has not begun yet."""
    if record.document("job", CompletedJob) is None or record.document("dataset", Dataset) is None:
        return False
    never_began = record.run.is_reevaluated and record.document("evaluation", Evaluation) is None
    taken = record.failure is not None and record.failure.error == NameTaken.__name__
    return record.status == "inconclusive" or ((never_began or taken) and record.status in RETRIABLE)


def resume(
    aws_: Aws,
    registry: Registry,
    record: Record,
    execution_arn: str,
    ended: str,
    asked: str,
    as_it_is_now: Callable[[Run], Run] = lambda run: run,
) -> Registration:
    """Reopen a run, and determine where it resumes.

    Parameters
    ----------
    ended
        The attempt that has ended. A retry applies once, even if it is delivered late or repeatedly.
    as_it_is_now
        Updates the test set of a run whose model is re-evaluated.
    asked
        The step to resume from; empty for the step that failed. A step before training applies only if there
        is no trained model.
    """
    run = record.run
    if run.execution_arn == execution_arn and record.is_open:
        # This execution has already reopened the run; its function died and was called again.
        return _resumed(aws_, record, asked)
    if str(run.attempt) != ended:
        return Registration(outcome="duplicate", run=run)
    if record.status not in RETRIABLE or not run.base_model:
        return Registration(outcome="ignored", run=run)
    again = msgspec.structs.replace(
        run, attempt=run.attempt + 1, execution_arn=execution_arn, resumed_at=clock.now()
    )
    again = _with_what_was_paid(aws_, again, record)
    if reevaluates(record):
        again = _reevaluated(as_it_is_now(again), record)
    if not registry.reopen(again, record.verdict):
        return Registration(outcome="duplicate", run=run)
    return _resumed(aws_, msgspec.structs.replace(record, run=again), asked)


def _reevaluated(run: Run, record: Record) -> Run:
    dataset = record.document("dataset", Dataset)
    return msgspec.structs.replace(
        run,
        # Different test records must not change the inferred method.
        method=dataset.method if dataset is not None else run.method,
        evaluation_attempt=run.attempt,
        evaluated_before_usd=0.0,
    )


def _with_what_was_paid(aws_: Aws, run: Run, record: Record) -> Run:
    """The run with what its attempts have cost until now, and for which jobs: the next one adds to it."""
    started, cost = record.document("started", StartedJob), record.document("cost", ActualCost)
    jobs = (started.job_arn, *(one.job_arn for one in started.series)) if started is not None else ()
    return msgspec.structs.replace(
        run,
        spent_before_usd=record.actual_usd or 0.0,
        evaluated_before_usd=(evaluated_usd(cost) if cost is not None else 0.0) or run.evaluated_before_usd,
        jobs_before=tuple(dict.fromkeys(filter(None, jobs))),
        trained_before=_finished_job(aws_, record) is not None,
    )


def _resumed(aws_: Aws, record: Record, asked: str) -> Registration:
    run, job = record.run, _finished_job(aws_, record)
    reevaluates_now = run.is_reevaluated and run.evaluation_attempt == run.attempt
    evaluation = None if reevaluates_now else record.document("evaluation", Evaluation)
    dataset = record.document("dataset", Dataset)
    found = Resume(
        point="validate_data" if reevaluates_now else point(asked, dataset is not None, job is not None),
        dataset=dataset,
        estimate=record.document("estimate", Estimate),
        started=record.document("started", StartedJob),
        job=job,
        next_record=evaluation.next_record if evaluation is not None else 0,
    )
    if job is not None and (
        job.model_arn in record.gone or not models.exists(aws_, job.model_arn, run.run_id)
    ):
        return Registration(outcome="refused", run=run, resume=found, failure=_deleted(job.model_arn))
    return Registration(outcome="resumed", run=run, resume=found)


def _deleted(model_arn: str) -> Failure:
    cause = (
        f"the custom model {model_arn} that this run trained was deleted, so it cannot be resumed; "
        "upload the dataset again to train another"
    )
    return Failure(error=ModelDeleted.__name__, cause=cause, step="register_run")


def point(asked: str, has_dataset: bool, is_trained: bool) -> ResumePoint:
    """Where to resume: the last point that the existing results allow, or an earlier one if requested."""
    if is_trained and has_dataset:
        return "estimate_cost"
    latest: ResumePoint = "preflight" if has_dataset else "validate_data"
    return "validate_data" if asked == "validate_data" else latest


def _finished_job(aws_: Aws, record: Record) -> CompletedJob | None:
    """The job that has produced the run's model, even if no step has recorded it yet.

    Of several jobs, finished ones are not repeated: start_customization finds them.
    """
    if (job := record.document("job", CompletedJob)) is not None:
        return job
    started = record.document("started", StartedJob)
    if started is None or not started.job_arn or has_several_jobs(record.run):
        return None
    try:
        return outcome(engines.of_job(started.job_arn), aws_, started.job_arn)
    except (CustomizationFailed, RunStopped):
        return None


def step_named(s3: Any, source: S3Object) -> str:
    """The step that a retry object names; empty when it names none, or cannot be read."""
    try:
        answer = s3.get_object(Bucket=source.bucket, Key=source.key, **_data_files.version(source))
        body = answer["Body"].read(64)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return ""
    return str(body.decode(errors="replace").strip())

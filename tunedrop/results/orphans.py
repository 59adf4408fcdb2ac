"""Closes runs whose execution was stopped in the console, timed out or was deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, Ending, Evaluation, Failure, Promotion, Serving, StartedJob
from tunedrop.errors import RunError, RunStopped, TransientError
from tunedrop.registry import Record, Registry
from tunedrop.results import release
from tunedrop.results.collect import ending_of
from tunedrop.serving.production import Production
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

AT_WORK_SECONDS = {"start_customization": 60, "set_up_throughput": 60, "promote_model": 60}
"""The maximum duration of steps that create or promote resources: their functions' timeouts."""


def fate(step_functions: Any, registry: Registry, seen: Record) -> Failure | None:
    """Why an open run will not continue although it was not closed; None if it continues or was closed.

    A run is closed before its execution ends. So, read again after its execution has ended, it is closed
    unless it is an orphan.
    """
    if not seen.is_open or (failure := _fate(step_functions, seen.run.execution_arn)) is None:
        return None
    record = registry.get(seen.run.run_id)
    same = record is not None and record.is_open and record.run.execution_arn == seen.run.execution_arn
    return failure if same else None


def settle(aws_: Aws, stage: Stage, record: Record, failure: Failure) -> Ending:
    """Release an orphan's resources, delete its waits, and return its result.

    Raises
    ------
    TransientError
        While a function of the run may still be running, or a resource cannot be released yet.
    """
    registry = Registry(aws_.dynamodb, stage.registry_table)
    fence(registry, record)
    record = registry.get(record.run.run_id) or record
    run, job = record.run, record.document("job", CompletedJob)
    promotion = record.document("promotion", Promotion)
    if promotion is None and job is not None:
        promotion = Production(aws_, stage).settled(run, job.model_arn)
    released = release.finish(
        aws_,
        stage,
        run,
        record.document("started", StartedJob),
        record.document("serving", Serving),
        record.document("evaluation", Evaluation),
        failure,
        promotion=promotion,
    )
    registry.save(run.run_id, released=released)
    if promotion is not None:
        registry.save(run.run_id, promotion=promotion)
    waits = Waits(aws_.dynamodb, stage.waits_table)
    for wait in waits.of_run(run.run_id):
        waits.remove(wait)
    ending = ending_of(msgspec.structs.replace(record, failure=failure))
    return msgspec.structs.replace(ending, promotion=promotion, released=released)


def fence(registry: Registry, record: Record) -> None:
    """Ensure that no step of the run begins any more, and none that creates or promotes resources is running.

    A step records its start before it checks for a stop request, so that a step not seen here is refused.

    Raises
    ------
    TransientError
        While such a step may be running.
    """
    run_id = record.run.run_id
    record = registry.get(run_id) or record
    registry.request_stop(record.run, record.stop_requested_by or "Tunedrop, since its execution has ended")
    now = clock.now()
    for one in registry.steps(run_id):
        seconds = AT_WORK_SECONDS.get(one.step, 0)
        if not one.ended_at and clock.seconds_between(one.started_at, now) < seconds:
            raise TransientError(f"the function {one.step} of {run_id} may still be at work")


def _fate(step_functions: Any, execution_arn: str) -> Failure | None:
    """Why the execution ended, or None while it runs."""
    try:
        execution = step_functions.describe_execution(executionArn=execution_arn)
    except ClientError as error:
        if aws.code_of(error) != "ExecutionDoesNotExist":
            raise
        return Failure(error=RunError.__name__, cause="the run's execution does not exist any more")
    match execution["status"]:
        case "RUNNING" | "PENDING_REDRIVE":
            return None
        case "ABORTED":
            reason = execution.get("cause") or "its execution was stopped in Step Functions"
            return Failure(error=RunStopped.__name__, cause=f"stopped: {reason}")
        case status:
            reason = execution.get("cause") or "no cause given"
            return Failure(error=RunError.__name__, cause=f"the run's execution ended as {status}: {reason}")

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
"""How long the steps take at most that make something or let an alias name it: their functions' time-outs."""


def fate(step_functions: Any, registry: Registry, seen: Record) -> Failure | None:
    """Why an open run goes on no more, though nobody has closed it; None for one that does, or was closed.

    A run closes before its execution ends: read again after its execution was seen to have ended, it is
    closed unless it is an orphan.
    """
    if not seen.is_open or (failure := _fate(step_functions, seen.run.execution_arn)) is None:
        return None
    record = registry.get(seen.run.run_id)
    same = record is not None and record.is_open and record.run.execution_arn == seen.run.execution_arn
    return failure if same else None


def settle(aws_: Aws, stage: Stage, record: Record, failure: Failure) -> Ending:
    """End what an orphan holds, forget its waits, and give what there is to tell of it.

    Raises
    ------
    TransientError
        While a function of the run may still be at work, or something cannot be ended yet.
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
    """From now on no step of the run begins, and none is at work that makes something or promotes it.

    A step notes that it begins before it asks whether it may: one that was not seen here has been refused.

    Raises
    ------
    TransientError
        While such a step may be at work.
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

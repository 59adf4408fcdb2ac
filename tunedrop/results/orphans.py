"""Runs whose execution is gone: stopped in the console, timed out, deleted. Their run is closed here."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.aws import Aws
from tunedrop.contracts import (
    CompletedJob,
    Dataset,
    Ending,
    Estimate,
    Evaluation,
    Failure,
    Promotion,
    Serving,
    StartedJob,
)
from tunedrop.errors import RunError, RunStopped
from tunedrop.registry import Record, Registry
from tunedrop.results import release
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits


def orphans(step_functions: Any, registry: Registry) -> list[tuple[Record, Failure]]:
    """Open runs whose execution does not run any more, each with what became of it.

    A run closes before its execution ends: read again after its execution was seen to have ended, it is
    closed unless it is an orphan.
    """
    found = []
    for seen in registry.recent(limit=1000):
        if not seen.is_open or (failure := _fate(step_functions, seen.run.execution_arn)) is None:
            continue
        record = registry.get(seen.run.run_id)
        if record is not None and record.is_open and record.run.execution_arn == seen.run.execution_arn:
            found.append((record, failure))
    return found


def settle(aws_: Aws, stage: Stage, record: Record, failure: Failure) -> Ending:
    """End what an orphan holds, forget its waits, and give what there is to tell of it."""
    released = release.finish(
        aws_.bedrock,
        record.run,
        record.document("started", StartedJob),
        record.document("serving", Serving),
        record.document("evaluation", Evaluation),
        failure,
        promotion=record.document("promotion", Promotion),
    )
    waits = Waits(aws_.dynamodb, stage.waits_table)
    for wait in waits.of_run(record.run.run_id):
        waits.remove(wait)
    return Ending(
        run=record.run,
        dataset=record.document("dataset", Dataset),
        estimate=record.document("estimate", Estimate),
        started=record.document("started", StartedJob),
        job=record.document("job", CompletedJob),
        serving=record.document("serving", Serving),
        evaluation=record.document("evaluation", Evaluation),
        promotion=record.document("promotion", Promotion),
        released=released,
        failure=failure,
    )


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

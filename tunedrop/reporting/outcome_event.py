"""The result of a run for programs, on the event bus and in the notification."""

from __future__ import annotations

import msgspec

from tunedrop import naming
from tunedrop.contracts import Ending, Failure, RunEnded
from tunedrop.reporting import verdict
from tunedrop.reporting.outcome import outcome_of
from tunedrop.stage import Stage

SOURCE = "tunedrop"
DETAIL_TYPE = "Tunedrop Run Ended"

MAX_CAUSE = 8_000
"""Maximum number of characters of a failure's cause: an SNS message with its attributes has at most 256 KB
and a request of PutEvents 1 MB (API references, read 2026-11-29)."""


def run_ended(stage: Stage, ending: Ending, report_uri: str) -> RunEnded:
    """The result as one flat, versioned value."""
    run, evaluation = ending.run, ending.evaluation
    return RunEnded(
        id=f"{run.run_id}-{run.attempt}",
        stage=stage.name,
        run_id=run.run_id,
        name=run.name,
        attempt=run.attempt,
        outcome=outcome_of(ending),
        sentence=verdict.sentence(ending) or f"{run.run_id} {verdict.headline(ending)}.",
        uploaded_by=run.uploaded_by,
        created_at=run.created_at,
        base_model=run.base_model,
        method=ending.dataset.method if ending.dataset is not None else "",
        dataset_hash=ending.dataset.content_hash if ending.dataset is not None else "",
        metric=evaluation.metric if evaluation is not None else "",
        scores=evaluation.scores if evaluation is not None else (),
        champion=evaluation.champion if evaluation is not None else None,
        held_out_records=evaluation.records if evaluation is not None else 0,
        losses=evaluation.losses if evaluation is not None else None,
        fit=ending.fit,
        model_arn=ending.job.model_arn if ending.job is not None else "",
        alias=ending.promotion.alias if ending.promotion is not None else "",
        previous_model_arn=ending.promotion.previous_model_arn if ending.promotion is not None else "",
        in_service=ending.released.kept if ending.released is not None else (),
        estimated_usd=ending.estimate.likely if ending.estimate is not None else None,
        cost_usd=ending.cost.likely if ending.cost is not None else None,
        failure=_short(ending.failure),
        execution_arn=run.execution_arn,
        report_uri=report_uri,
        evaluation_uri=_file(stage, ending, naming.evaluation_key(run.run_id)),
        predictions_uri=_file(stage, ending, naming.predictions_key(run.run_id)),
    )


def _short(failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    return msgspec.structs.replace(failure, cause=failure.cause[:MAX_CAUSE])


def _file(stage: Stage, ending: Ending, key: str) -> str:
    return naming.uri(stage.artifacts_bucket, key) if ending.evaluation is not None else ""

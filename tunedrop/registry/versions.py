"""The versions of a name: all models trained for it, with their scores, and which one is in production."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts import CompletedJob, Dataset, Score, StartedJob, hyperparameters_of
from tunedrop.registry._records import Record
from tunedrop.registry._runs import Registry
from tunedrop.registry.aliases import Aliases

Standing = Literal["in production", "was in production", "deleted", ""]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One trained model with its lineage. `number` counts from 1 for the oldest, and never changes.

    `score` is the deciding metric of base and tuned; `served_by` the modelId for inference if the model is in
    production.
    """

    number: int
    run_id: str
    created_at: str
    outcome: str
    standing: Standing
    since: str
    base_model: str
    method: str
    dataset_hash: str
    train_version: str
    hyperparameters: dict[str, str]
    job_arn: str
    model_arn: str
    served_by: str
    score: Score | None
    held_out_records: int
    cost_usd: float | None
    uploaded_by: str


def versions(registry: Registry, aliases: Aliases, name: str) -> list[Version]:
    """All versions of a name, newest first; runs without a model have none."""
    history, model = aliases.history(name), aliases.in_production(name)
    served_by = {model.model_arn: model.model_id} if model is not None else {}
    trained = [
        (record, job)
        for record in reversed(registry.named(name))
        if (job := record.document("job", CompletedJob)) is not None
    ]
    found = []
    for number, (record, job) in enumerate(trained, 1):
        periods = [one for one in history if one.model_arn == job.model_arn]
        found.append(
            _version(
                number,
                record,
                job,
                standing=_standing(
                    record, job, in_production=bool(served_by.get(job.model_arn)), was=bool(periods)
                ),
                since=periods[0].since if periods else "",
                served_by=served_by.get(job.model_arn, ""),
            )
        )
    return found[::-1]


def _standing(record: Record, job: CompletedJob, *, in_production: bool, was: bool) -> Standing:
    if in_production:
        return "in production"
    if job.model_arn in record.gone:
        return "deleted"
    return "was in production" if was else ""


def _version(
    number: int, record: Record, job: CompletedJob, *, standing: Standing, since: str, served_by: str
) -> Version:
    run = record.run
    dataset = record.document("dataset", Dataset)
    evaluation = verdict.evaluation if (verdict := record.verdict) is not None else None
    return Version(
        number=number,
        run_id=run.run_id,
        created_at=run.created_at,
        outcome=record.status,
        standing=standing,
        since=since,
        base_model=run.base_model,
        method=dataset.method if dataset is not None else run.method,
        dataset_hash=dataset.content_hash if dataset is not None else "",
        train_version=run.train.version_id,
        hyperparameters=hyperparameters_of(run, record.document("started", StartedJob)),
        job_arn=job.job_arn,
        model_arn=job.model_arn,
        served_by=served_by,
        score=evaluation.decisive if evaluation is not None else None,
        held_out_records=evaluation.records if evaluation is not None else 0,
        cost_usd=record.actual_usd if record.actual_usd is not None else record.estimated_usd,
        uploaded_by=run.uploaded_by,
    )

"""A run in one row: status, score, settings and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from tunedrop.contracts import (
    ActualCost,
    CompletedJob,
    Dataset,
    Promotion,
    Reason,
    Run,
    Score,
    StartedJob,
    hyperparameters_of,
)
from tunedrop.registry._records import Record

Order = Literal["started", "name", "status", "score", "improvement", "cost"]
"""The keys that runs can be sorted by: newest, best and most expensive first, names and statuses
alphabetically."""

NEWEST_FIRST: frozenset[Order] = frozenset({"started", "score", "improvement", "cost"})


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Money is in US dollars; what does not exist yet is empty or null.

    `score` is the deciding metric, `rejected_for` what prevented a promotion, `spent_usd` the cost of the run
    (at least that with `has_unpriced_items`), `storage_usd_a_month` the cost of its model while it exists;
    `hyperparameters` are those of the evaluated model, `candidates` the number that a search has tried.
    `in_production`: the alias of its name points to its model. `earlier_attempt` is the attempt whose verdict
    and score these are, `earlier_outcome` how it ended, if the latest has none of its own.
    """

    run_id: str
    name: str
    status: str
    step: str = ""
    created_at: str
    attempt: int = 1
    base_model: str = ""
    method: str = ""
    dataset_hash: str = ""
    trained_on_records: int = 0
    held_out_records: int = 0
    hyperparameters: dict[str, str] = {}
    candidates: int = 0
    metric: str = ""
    score: Score | None = None
    rejected_for: Reason = ""
    estimated_usd: float | None = None
    spent_usd: float | None = None
    has_unpriced_items: bool = False
    storage_usd_a_month: float = 0.0
    model_arn: str = ""
    model_deleted: bool = False
    alias: str = ""
    in_production: bool = False
    uploaded_by: str = ""
    failure: str = ""
    earlier_attempt: int = 0
    earlier_outcome: str = ""
    run: Run

    @property
    def cost(self) -> str:
        """The cost as a number: `0.29`, or `≥ 0.03` if something has no dated price; may be empty."""
        if self.spent_usd is None:
            return ""
        return f"{'≥ ' if self.has_unpriced_items else ''}{self.spent_usd:.2f}"


def summary(record: Record, in_production: Mapping[str, str] | None = None) -> Summary:
    """The summary of a run.

    Parameters
    ----------
    in_production
        The ids of the runs whose models are in production, with their aliases, if known.
    """
    run, dataset = record.run, record.document("dataset", Dataset)
    verdict, job = record.verdict, record.document("job", CompletedJob)
    evaluation = verdict.evaluation if verdict is not None else None
    earlier = verdict if verdict is not None and verdict.attempt != run.attempt else None
    promotion, cost = record.document("promotion", Promotion), record.document("cost", ActualCost)
    is_gone = job is not None and job.model_arn in record.gone
    alias = (in_production or {}).get(run.run_id, "")
    return Summary(
        run_id=run.run_id,
        name=run.name,
        status=record.status,
        step=record.step,
        created_at=run.created_at,
        attempt=run.attempt,
        base_model=run.base_model,
        method=dataset.method if dataset is not None else run.method,
        dataset_hash=dataset.content_hash if dataset is not None else "",
        trained_on_records=dataset.train.records if dataset is not None else 0,
        held_out_records=evaluation.records if evaluation is not None else 0,
        hyperparameters=hyperparameters_of(run, record.document("started", StartedJob)),
        candidates=len(run.candidates),
        metric=evaluation.metric if evaluation is not None else "",
        score=evaluation.decisive if evaluation is not None else None,
        rejected_for=evaluation.rejected_for if evaluation is not None else "",
        estimated_usd=record.estimated_usd,
        spent_usd=record.actual_usd,
        has_unpriced_items=cost is not None and any(not line.source for line in cost.lines),
        storage_usd_a_month=(
            sum(line.likely for line in cost.forecast) if cost is not None and not is_gone else 0.0
        ),
        model_arn=job.model_arn if job is not None else "",
        model_deleted=is_gone,
        alias=alias or (promotion.alias if promotion is not None else ""),
        in_production=bool(alias),
        uploaded_by=run.uploaded_by,
        failure=record.failure.cause if record.failure is not None else "",
        earlier_attempt=earlier.attempt if earlier is not None else 0,
        earlier_outcome=earlier.outcome if earlier is not None else "",
        run=run,
    )


def ordered(rows: Iterable[Summary], by: Order) -> list[Summary]:
    """Rows in order; those without a value come last, equal ones newest first."""
    newest = sorted(rows, key=lambda one: one.created_at, reverse=True)
    known = [one for one in newest if _key(one, by) is not None]
    without = [one for one in newest if _key(one, by) is None]
    return [*sorted(known, key=lambda one: _key(one, by) or 0, reverse=by in NEWEST_FIRST), *without]


def _key(one: Summary, by: Order) -> str | float | None:
    match by:
        case "started":
            return one.created_at
        case "name":
            return one.name.casefold()
        case "status":
            return one.status
        case "score":
            return one.score.tuned if one.score is not None else None
        case "improvement":
            return one.score.difference if one.score is not None else None
        case "cost":
            return one.spent_usd


def matching(
    rows: Iterable[Summary],
    *,
    name: str = "",
    statuses: Sequence[str] = (),
    base_model: str = "",
    since: str = "",
    data: str = "",
) -> list[Summary]:
    """The matching rows.

    Parameters
    ----------
    name, base_model
        A substring, case-insensitive.
    statuses
        Of the latest attempt, or of the earlier one whose verdict still counts.
    since
        The first time or day (YYYY-MM-DD) to include.
    data
        A prefix of the hash of the records.
    """
    return [
        one
        for one in rows
        if name.casefold() in one.name.casefold()
        and (not statuses or not {one.status, one.earlier_outcome}.isdisjoint(statuses))
        and base_model.casefold() in one.base_model.casefold()
        and one.created_at >= since
        and one.dataset_hash.startswith(data)
    ]

"""The state of a stage, in rows that the sweep logs and the dashboard reads.

Log rows are almost free and can name runs, while CloudWatch bills each metric monthly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tunedrop import clock
from tunedrop.registry import Record
from tunedrop.registry.spending import Spending, month_of
from tunedrop.serving.sweep import InService
from tunedrop.stage import Stage

_WAITS_FOR = {
    "wait_for_approval": "approval",
    "wait_for_slot": "a free training job",
    "wait_for_deployment": "a free custom model deployment",
    "wait_for_training": "training",
    "wait_for_throughput": "the model to be in service",
    "wait_for_judging": "the evaluation job",
}


class OpenRun(msgspec.Struct, frozen=True, kw_only=True):
    """An open run; `waits_for` is empty while a function works on it."""

    run_id: str
    base_model: str
    step: str
    waits_for: str
    since: str
    estimated_usd: float


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A serving resource; `hourly_usd` is -1 if no price is known."""

    resource: str
    run_id: str
    status: str
    hourly_usd: float
    expires_at: str


class MonthSoFar(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars of this month: spent or committed, waiting for approval, and the budget."""

    month: str
    counted_usd: float
    requested_usd: float
    budget_usd: float
    percent: float


def open_runs(records: Iterable[Record]) -> Iterator[OpenRun]:
    """The rows of open runs."""
    for record in records:
        yield OpenRun(
            run_id=record.run.run_id,
            base_model=record.run.base_model,
            step=record.step,
            waits_for=_WAITS_FOR.get(record.step, ""),
            since=record.updated_at,
            estimated_usd=round(record.estimated_usd or 0.0, 2),
        )


def served(serving: Iterable[InService]) -> Iterator[Served]:
    """The rows of serving resources."""
    for one in serving:
        yield Served(
            resource=one.arn,
            run_id=one.run_id,
            status=one.status,
            hourly_usd=-1.0 if one.hourly_usd is None else one.hourly_usd,
            expires_at=one.ends_at,
        )


def month_so_far(spending: Spending, stage: Stage) -> MonthSoFar:
    """This month against its budget."""
    month = month_of(clock.now())
    found = spending.read(month)
    return MonthSoFar(
        month=month,
        counted_usd=round(found.counted(), 2),
        requested_usd=round(found.requested(), 2),
        budget_usd=stage.monthly_budget_usd,
        percent=round(100 * found.counted() / stage.monthly_budget_usd, 1),
    )

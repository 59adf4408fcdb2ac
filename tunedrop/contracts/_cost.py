"""The steps preflight and estimate_cost: the prerequisites and the cost of a run."""

from __future__ import annotations

import msgspec


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One preflight check. `hint` is the fix if it has not passed."""

    name: str
    passed: bool
    detail: str
    hint: str = ""


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    checks: tuple[Check, ...]


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an estimate, in USD, with the source of its price (`source`, `priced_on` YYYY-MM-DD).

    Without a price `source` is empty, and `sku` is its usage type in AWS's price list.
    """

    item: str
    low: float
    likely: float
    high: float
    basis: str
    source: str = ""
    priced_on: str = ""
    sku: str = ""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The estimated cost of a run. `approval_reasons` is empty if the run needs no approval.

    `evaluation_requests` is the number of answers and judgements of the evaluation, `evaluation_minutes` its
    duration; None if unknown. `unrelated_to` is the run whose model this one would replace in production
    although their data is unrelated, `uncompared_with` the one whose model it would replace without a
    comparison, because nothing serves it. `put_by_hand` is the modelId that the name has in production
    without any run having promoted it. `succeeds` is the Legacy base model that the run's base model
    replaces. All four need approval. `left_out` are the manifest's hyperparameters that the new base model
    does not support. `undecidable` says why its evaluation could reach no verdict, which needs approval too.
    """

    lines: tuple[CostLine, ...]
    low: float
    likely: float
    high: float
    budget_usd: float
    stays: str = ""
    undecidable: str = ""
    approval_reasons: tuple[str, ...] = ()
    evaluation_requests: int = 0
    evaluation_minutes: float | None = None
    unrelated_to: str = ""
    uncompared_with: str = ""
    put_by_hand: str = ""
    succeeds: str = ""
    left_out: tuple[str, ...] = ()


class ActualCost(msgspec.Struct, frozen=True, kw_only=True):
    """The actual cost of a run; `low` and `high` bound the part that cannot be measured.

    `forecast` is the monthly cost of its model while it exists, `kept` what the throughput that goes on
    serving it will cost until it is released; not spent, and not in the sums.
    """

    lines: tuple[CostLine, ...]
    low: float
    likely: float
    high: float
    forecast: tuple[CostLine, ...] = ()
    kept: tuple[CostLine, ...] = ()

"""Formats costs for sentences, and names what has no price."""

from __future__ import annotations

from tunedrop import clock
from tunedrop.contracts import ActualCost, Estimate, Run


def in_words(cost: Estimate | ActualCost) -> str:
    """Such as `about 3.20 USD (2.08 to 4.32)`, or `at least 0.00 USD: no dated price for training`."""
    left_out = unpriced(cost)
    return amount(cost) + (f": {left_out}" if left_out else "")


def unpriced(cost: Estimate | ActualCost) -> str:
    """What a cost leaves out: `no dated price is known for training`; empty if nothing."""
    items = [line.item for line in cost.lines if not line.source]
    return f"no dated price is known for {_listed(items)}" if items else ""


def amount(cost: Estimate | ActualCost) -> str:
    """The amount without unpriced items, which the reasons for an approval already name."""
    if unpriced(cost):
        return f"at least {cost.likely:.2f} USD"
    if f"{cost.low:.2f}" == f"{cost.high:.2f}":
        return f"{cost.likely:.2f} USD"
    return f"about {cost.likely:.2f} USD ({cost.low:.2f} to {cost.high:.2f})"


def paid_in_words(run: Run) -> str:
    """The cost so far of a run that waits for approval, as a sentence."""
    if run.spent_before_usd:
        return f"Its attempts so far have cost {run.spent_before_usd:.2f} USD."
    return "Nothing has been paid yet."


def forecast_in_words(cost: ActualCost) -> str:
    """The future cost of keeping the model; empty if there is none."""
    return "; ".join(filter(None, (_kept_in_words(cost), _storage_in_words(cost))))


def _kept_in_words(cost: ActualCost) -> str:
    if not cost.kept:
        return ""
    if any(not line.source for line in cost.kept):
        return "the throughput that serves the model is billed by the hour, at an unknown price"
    usd = sum(line.likely for line in cost.kept)
    return f"{usd:.2f} USD for the throughput that serves the model, until it is released"


def _storage_in_words(cost: ActualCost) -> str:
    monthly = sum(line.likely for line in cost.forecast)
    if any(not line.source for line in cost.forecast):
        return "storage of the model is billed by the month, at an unknown price"
    return f"{monthly:.2f} USD a month for storage, until the model is deleted" if monthly else ""


def evaluation_in_words(estimate: Estimate) -> str:
    """The number of requests of the evaluation, and its duration."""
    asked = f"The evaluation requests {estimate.evaluation_requests:,} answers"
    if estimate.evaluation_minutes is None:
        return f"{asked}; its duration is unknown, because the model's request rate is."
    return f"{asked}, which takes {clock.about(60 * estimate.evaluation_minutes)}."


def _listed(items: list[str]) -> str:
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last

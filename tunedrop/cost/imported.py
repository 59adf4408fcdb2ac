"""The cost of imported models: by five-minute window while in use, and by month of storage.

Copies x units of a copy x rate per minute x 5 x number of windows, as in AWS's pricing example; the formula
in the user guide (import-model-calculate-cost) divides the windows by 60 instead, which gives a 300th of it
(read 2026-11-29). The units of a copy are known after the import.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CostLine, Estimate
from tunedrop.cost.lines import priced, ranged
from tunedrop.evaluation.inference.evaluate import CONCURRENCY
from tunedrop.evaluation.inference.speed import ANSWER_SECONDS
from tunedrop.evaluation.workload import Workload

WINDOW_MINUTES = 5
ANSWERING = "imported model, answers"
STORAGE = "imported model, storage"
BASE_ANSWERING = "imported base model, answers"
BASE_STORAGE = "imported base model, storage"
_BY_UNIT = (ANSWERING, STORAGE, BASE_ANSWERING, BASE_STORAGE)
_CORRECTED = "; a copy has "


def windows(seconds: float) -> int:
    """Minimum number of billing windows in an evaluation of this many seconds."""
    return max(1, math.ceil(seconds / (WINDOW_MINUTES * 60)))


def lines(base_model: BaseModel, asked: Workload) -> Iterator[CostLine]:
    """The cost of using and storing the model, as a range while its units are unknown; and the same for its
    base model if Bedrock does not sell that on demand.

    One copy is active; the maximum is twice the time and one more window. The production model is evaluated
    too, and is assumed to be imported. All runs of a stage share the base model's copy, so a run that finds
    it imported pays no storage for it.
    """
    few, most = base_model.likely_units, base_model.most_units
    likely = windows(asked.in_turn * ANSWER_SECONDS / CONCURRENCY)
    longest = 2 * likely + 1
    minutes, at_most = WINDOW_MINUTES * likely, WINDOW_MINUTES * longest
    by_window = f"1 to {most} units x {likely} to {longest} windows of {WINDOW_MINUTES} minutes"
    by_month = f"1 to {most} units x 1 month"
    rate, kept = base_model.prices.imported_per_unit_minute, base_model.prices.imported_storage_per_unit_month
    imports_base = not base_model.inference_id
    tuned = asked.contenders - 1
    for item, models in ((ANSWERING, tuned), *([(BASE_ANSWERING, 1)] if imports_base else [])):
        basis = by_window if models == 1 else f"{models} models x {by_window}"
        middle, high = models * few * minutes, models * most * at_most
        yield ranged(item, rate, minutes, middle, high, basis, "a minute and unit")
    yield ranged(STORAGE, kept, 1, few, most, by_month, "a month and unit")
    if imports_base:
        shared = f"0 to {most} units x 1 month at most, for all runs of the stage"
        yield ranged(BASE_STORAGE, kept, 0, few, most, shared, "a month and unit")


def storage(base_model: BaseModel, units: int) -> CostLine:
    """The monthly storage cost of a copy, once its units are known."""
    units = max(1, units)
    price = base_model.prices.imported_storage_per_unit_month
    return priced(STORAGE, price, units, f"{units} units x 1 month", "a month and unit")


def corrected(estimate: Estimate, base_model: BaseModel, units: int) -> Estimate:
    """An estimate corrected for the known units of a copy, once; its base model is assumed to need as
    many."""

    def with_units(line: CostLine) -> CostLine:
        if line.item not in _BY_UNIT or _CORRECTED in line.basis:
            return line
        return msgspec.structs.replace(
            line,
            low=line.low * units,
            likely=line.likely * units / base_model.likely_units,
            high=line.high * units / base_model.most_units,
            basis=f"{line.basis}{_CORRECTED}{units}",
        )

    found = tuple(map(with_units, estimate.lines))
    return msgspec.structs.replace(
        estimate,
        lines=found,
        **{name: sum(getattr(line, name) for line in found) for name in ("low", "likely", "high")},
    )


def is_dearer(estimate: Estimate, now: Estimate, budget_usd: float, before_usd: float = 0.0) -> bool:
    """Whether the likely cost exceeds the approved amounts: the budgets, which also cover the cost of earlier
    attempts (`before_usd`), and the estimate's maximum."""
    return now.likely > max(estimate.high, min(estimate.budget_usd, budget_usd) - before_usd)

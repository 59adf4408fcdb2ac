"""estimate_cost: what the run will cost, and whether somebody has to be asked first."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Estimate, Run
from tunedrop.cost.estimate import estimate
from tunedrop.serving import choose


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset


@step(Input)
def handler(payload: Input, services: Services) -> Estimate:
    run, stage, registry = payload.run, services.stage, services.registry
    base_model = catalog.find(run.base_model)
    month = run.created_at[: len("2026-11")]
    found = estimate(
        run,
        payload.dataset,
        base_model,
        choose.way(base_model, run.deployment),
        stage_budget_usd=stage.budget_usd,
        monthly_budget_usd=stage.monthly_budget_usd,
        spent_this_month_usd=registry.spent_since(month, besides=run.run_id),
    )
    registry.note_cost(run.run_id, estimated_usd=found.likely)
    return found

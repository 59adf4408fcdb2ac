"""estimate_cost: estimates the cost of the run, and decides whether it needs approval."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Estimate, Run
from tunedrop.cost import prices
from tunedrop.cost.budgets import judge
from tunedrop.cost.estimate import estimate
from tunedrop.evaluation.workload import minutes, outlasts_throughput, workload
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.ownership import put_by_hand, uncompared_with, unrelated_to
from tunedrop.registry.spending import Month
from tunedrop.serving import choose
from tunedrop.serving.production import Production


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset


@step(Input)
def handler(payload: Input, services: Services) -> Estimate:
    run, stage, registry = payload.run, services.stage, services.registry
    base_model = prices.current(registry, stage, catalog.find(run.base_model))
    aliases = Aliases(services.aws.ssm, services.aws.dynamodb, stage)
    asked = workload(payload.dataset, run, has_champion=aliases.champion(run.name) is not None)
    way, prices_of = choose.way(base_model, run.deployment), prices.lookup(registry, stage)
    how_long = minutes(asked, stage, base_model)
    champion = Production(services.aws, stage).base_billed_by_token(run.name)
    if champion is not None:
        champion = prices.current(registry, stage, champion)
    found = estimate(run, payload.dataset, base_model, way, asked, prices_of, how_long, champion)
    found = msgspec.structs.replace(
        found,
        undecidable=found.undecidable or outlasts_throughput(how_long, stage, way),
        unrelated_to=unrelated_to(services.aws.s3, registry, aliases, run, payload.dataset),
        uncompared_with=uncompared_with(aliases, run),
        put_by_hand=put_by_hand(aliases, run),
        succeeds=run.succeeds,
        left_out=run.left_out,
    )
    registry.note_cost(run.run_id, estimated_usd=found.likely)

    def decide(month: Month) -> Estimate:
        others, requested = month.counted(besides=run.run_id), month.requested(besides=run.run_id)
        mine = month.counted(besides=run.run_id, tenant=run.tenant) if run.tenant else 0.0
        return judge(found, stage, others, requested, run.tenant, mine, run.spent_before_usd)

    return services.spending.estimate(run, decide)

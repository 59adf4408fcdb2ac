"""The quotas that a run needs, in this account and Region.

Which they are, its engine and its kinds of serving know; codes: AWS General Reference, Bedrock quotas, read
2026-11-23; some in public lists of ListServiceQuotas too (`tests/recorded/service-quotas.json` says which).
"""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from tunedrop.aws import Aws, explain, is_transient, quotas
from tunedrop.aws.quotas import Shortage
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Run
from tunedrop.errors import PreflightFailed
from tunedrop.serving import bases, choose, kinds
from tunedrop.serving.kind import Demand, ServingKind
from tunedrop.stage import Stage
from tunedrop.training import engines


def check(aws_: Aws, stage: Stage, run: Run, model: BaseModel, jobs: int) -> Check:
    """Whether the quotas leave room for the run's models and their serving resources.

    A quota that cannot be read is no failure; Bedrock itself would refuse later, after training.

    Parameters
    ----------
    jobs
        How many customization jobs the run starts; each produces a model.
    """
    try:
        full = list(_shortages(aws_, stage, run, model, jobs))
    except (ClientError, BotoCoreError) as error:
        if is_transient(error):
            raise
        return Check(name="quotas", passed=True, detail=f"the quotas could not be read: {explain(error)}")
    return Check(
        name="quotas",
        passed=not full,
        detail="; ".join(_detail(one) for one in full) or "the quotas leave room for the run",
        hint="; or ".join(_hint(one, stage.region) for one in full),
    )


def _shortages(aws_: Aws, stage: Stage, run: Run, model: BaseModel, jobs: int) -> Iterator[Shortage]:
    found = quotas.read(aws_)
    yield from engines.of(model, run.method).shortages(aws_, found, jobs)
    for kind in _kinds(model, run):
        count = 1 + (kind.serves_files and _imports_base(aws_, stage, model))
        demand = Demand(stage=stage, base_model=model, settings=run.deployment, count=count)
        yield from kind.shortages(aws_.bedrock, found, demand)


def _imports_base(aws_: Aws, stage: Stage, model: BaseModel) -> bool:
    """Whether the base model will be imported too, for the comparison; an existing copy is already
    counted."""
    return bases.is_needed(model) and bases.latest(aws_.bedrock, stage, model).base is None


def _kinds(model: BaseModel, run: Run) -> list[ServingKind]:
    """What serves during and after the evaluation; another check reports an unsupported mode."""
    try:
        ways = choose.way(model, run.deployment), choose.production_way(model, run.deployment)
    except PreflightFailed:
        return []
    return [kinds.of(way) for way in ways if way is not None]


def _detail(one: Shortage) -> str:
    return f"{one.quota.name} ({one.quota.code}) is {one.quota.value:g}, {one.used} used{one.note}"


def _hint(one: Shortage, region: str) -> str:
    quota = one.quota
    more = quotas.request(quota.code, one.needed, region) if quota.adjustable else "It cannot be raised"
    return f"Delete what is not needed (tunedrop throughput, tunedrop teardown), or: {more}"

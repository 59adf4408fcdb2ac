"""The quotas that a run needs, in this account and Region.

Which they are, its engine and its kinds of serving know; codes: AWS General Reference, Bedrock quotas, read
2026-11-23; some in public lists of ListServiceQuotas too (`tests/recorded/service-quotas.json` says which).
"""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from tunedrop.aws import Aws, explain, inference_quotas, is_transient, quotas
from tunedrop.aws.quotas import Quota, Quotas, Shortage
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Dataset, Run
from tunedrop.errors import PreflightFailed
from tunedrop.evaluation.workload import workload
from tunedrop.formatting.counts import counted
from tunedrop.planning import distillation
from tunedrop.serving import bases, choose, kinds
from tunedrop.serving.kind import Demand, ServingKind
from tunedrop.stage import Stage
from tunedrop.training import engines


def check(aws_: Aws, stage: Stage, run: Run, dataset: Dataset, model: BaseModel, jobs: int) -> Check:
    """Whether the quotas leave room for the run's models, their serving resources and their evaluation.

    A quota that cannot be read is no failure; Bedrock itself would refuse later, after training.

    Parameters
    ----------
    jobs
        How many customization jobs the run starts; each produces a model.
    """
    try:
        full = list(_shortages(aws_, stage, run, dataset, model, jobs))
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


def _shortages(
    aws_: Aws, stage: Stage, run: Run, dataset: Dataset, model: BaseModel, jobs: int
) -> Iterator[Shortage]:
    found = quotas.read(aws_)
    yield from engines.of(model, run.method).shortages(aws_, found, jobs)
    yield from _of_a_day(found, stage, run, dataset, model)
    for kind in _kinds(model, run):
        count = 1 + (kind.serves_files and _imports_base(aws_, stage, model))
        demand = Demand(stage=stage, base_model=model, settings=run.deployment, count=count)
        yield from kind.shortages(aws_.bedrock, found, demand)


def _of_a_day(
    found: Quotas, stage: Stage, run: Run, dataset: Dataset, model: BaseModel
) -> Iterator[Shortage]:
    """The tokens per day that could not hold even the prompts of the evaluation, such as none."""
    needed = max(1, workload(dataset, run, has_champion=False).held_out.tokens)
    for quota in _asked(found, stage, run, model):
        if quota is not None and quota.value < needed:
            note = f"; the prompts alone have {counted(needed, 'token')}"
            yield Shortage(quota, 0, needed, note, inference_quotas.CURE)


def _asked(found: Quotas, stage: Stage, run: Run, model: BaseModel) -> Iterator[Quota | None]:
    """The quotas of the models that the evaluation asks; None where Service Quotas lists none. bedrock-mantle
    has quotas of its own, for which it names none (Bedrock user guide, quotas, read 2026-11-30)."""
    asked = [] if run.evaluation.judge is None else [run.evaluation.judge.model]
    if run.teacher is not None:
        asked.append(distillation.inference_id(run.teacher))
    for kind in _kinds(model, run)[:1]:
        if kind.way == "on-demand":
            yield inference_quotas.per_day(found, model.inference_id, inference_quotas.OF_TUNED_MODELS)
        if kind.asked_by != "chat-http" and not bases.is_needed(model):
            asked.append(kind.base_id(stage, model))
    for model_id in dict.fromkeys(asked):
        yield inference_quotas.per_day(found, model_id)


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
    return f"{one.quota.name} ({one.quota.code}) is {one.quota.amount}, {one.used} used{one.note}"


def _hint(one: Shortage, region: str) -> str:
    quota = one.quota
    if one.cure:
        return one.cure
    more = quotas.request(quota.code, one.needed, region) if quota.adjustable else "It cannot be raised"
    return f"Delete what is not needed (tunedrop throughput, tunedrop teardown), or: {more}"

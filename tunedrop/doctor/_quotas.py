"""Checks the service quotas that a run needs; some are 0 by default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tunedrop.aws import Aws
from tunedrop.aws.quotas import Quota, read, request
from tunedrop.catalog.model import BaseModel
from tunedrop.doctor._finding import Finding, State, asked
from tunedrop.serving.kinds import deployment, imported
from tunedrop.serving.kinds.provisioned import NO_COMMITMENT_UNITS
from tunedrop.training import engines
from tunedrop.training.engines.bedrock import custom_models
from tunedrop.training.engines.bedrock.custom_models import CUSTOM_MODELS
from tunedrop.training.engines.bedrock.jobs import SCHEDULED_JOBS
from tunedrop.training.engines.sagemaker_jumpstart import limits

ABOUT = "Service quotas"

UNITS_A_MODEL = {"meta.llama3-1-8b-instruct-v1:0:128k": "L-3632DE15"}
"""The quota codes of model units per provisioned model, if known; others are found by name."""


class Used(msgspec.Struct, frozen=True):
    """Current usage."""

    jobs: int
    deployments: int
    models: int
    imported: int


def check(aws: Aws, models: Iterable[BaseModel], jobs_at_once: int) -> Iterator[Finding]:
    """Check the quotas that these base models need.

    Parameters
    ----------
    jobs_at_once
        How many jobs the stage runs at once (`customization_quota`).
    """
    needed = list(models)
    yield from asked(
        ABOUT, "quotas", lambda: _judge(read(aws), _used(aws, needed), needed, jobs_at_once, _region(aws))
    )
    for instance in sorted({one.training_instance for one in needed} - {""}):
        name = limits.name(instance)
        yield from asked(ABOUT, name, lambda instance=instance: iter([_instances(aws, instance)]))  # type: ignore[misc]


def _judge(
    quotas: dict[str, Quota], used: Used, models: list[BaseModel], jobs_at_once: int, region: str
) -> Iterator[Finding]:
    yield _enough(
        quotas, SCHEDULED_JOBS, "concurrent customization jobs", used.jobs, max(1, jobs_at_once), region
    )
    if any(model.serving.on_demand for model in models):
        for code, name in (
            (deployment.IN_TOTAL, "custom model deployments"),
            (deployment.IN_PROGRESS, "concurrent deployment creations"),
        ):
            count = used.deployments if code == deployment.IN_TOTAL else 0
            yield _enough(quotas, code, name, count, count + 1, region)
    yield _enough(quotas, CUSTOM_MODELS, "custom models", used.models, used.models + 1, region)
    if any(model.serving.imported for model in models):
        count = used.imported
        yield _enough(quotas, imported.IN_TOTAL, "imported models", count, count + 1, region)
    yield from _units(quotas, models, region)


def _units(quotas: dict[str, Quota], models: list[BaseModel], region: str) -> Iterator[Finding]:
    """Provisioned throughput needs two quotas, both 0 in a new account."""
    served = [model for model in models if model.serving.provisioned]
    if not served:
        return
    needed = [model for model in served if not model.serving.on_demand]
    state: State = "bad" if needed else "note"
    names = ", ".join(model.name for model in needed)
    why = f"needed by {names}" if needed else "needed only for provisioned throughput"
    yield _units_finding(
        quotas.get(NO_COMMITMENT_UNITS), "model units without commitment", state, why, region
    )
    for model in needed:
        quota = quotas.get(UNITS_A_MODEL.get(model.id, "")) or _by_name(quotas, model)
        yield _units_finding(quota, f"model units for {model.name}", "bad", "needed to serve it", region)


def _units_finding(quota: Quota | None, name: str, state: State, why: str, region: str) -> Finding:
    if quota is None:
        return _finding(name, "unknown", "Service Quotas does not list it; check its console, under Bedrock")
    if quota.value >= 1:
        return _finding(name, "good", f"{quota.value:g}")
    return _finding(name, state, f"{quota.value:g}; {why}", request(quota.code, 1, region))


def _by_name(quotas: dict[str, Quota], model: BaseModel) -> Quota | None:
    """A quota by name, such as `Model units per provisioned model for Meta Llama 3.1 8B Instruct`."""
    words = model.name.lower().removesuffix(" instruct")
    return next(
        (
            quota
            for quota in quotas.values()
            if "per provisioned model" in quota.name.lower() and words in quota.name.lower()
        ),
        None,
    )


def _enough(quotas: dict[str, Quota], code: str, name: str, used: int, needed: int, region: str) -> Finding:
    quota = quotas.get(code)
    if quota is None:
        return _finding(name, "unknown", f"Service Quotas does not list {code}")
    if quota.value >= needed:
        return _finding(name, "good", f"{used} of {quota.value:g} used" if used else f"{quota.value:g}")
    hint = (
        request(quota.code, needed, region)
        if quota.adjustable
        else "It cannot be raised: delete what is not needed"
    )
    return _finding(name, "bad", f"{quota.value:g} in total, {used} used; {needed} needed", hint)


def _instances(aws: Aws, instance: str) -> Finding:
    """The quota of training instances, of SageMaker AI; 0 in new accounts."""
    name = limits.name(instance)
    found = limits.find(aws.service_quotas, instance)
    if found is None:
        return _finding(
            name, "unknown", "Service Quotas does not list it; check its console, under SageMaker"
        )
    if found["Value"] >= 1:
        return _finding(name, "good", f"{found['Value']:g}")
    hint = limits.request(name, _region(aws), str(found["QuotaCode"]))
    return _finding(name, "bad", f"{found['Value']:g}; one is needed to train", hint)


def _used(aws: Aws, models: list[BaseModel]) -> Used:
    return Used(
        jobs=engines.named("bedrock").in_progress(aws),
        deployments=len(deployment.every(aws.bedrock)),
        models=custom_models.count(aws.bedrock),
        imported=len(imported.every(aws.bedrock)) if any(one.serving.imported for one in models) else 0,
    )


def _region(aws: Aws) -> str:
    return str(aws.session.region_name)


def _finding(name: str, state: State, detail: str, hint: str = "") -> Finding:
    return Finding(about=ABOUT, name=name, state=state, detail=detail, hint=hint)

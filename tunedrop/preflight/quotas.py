"""The quotas that a run needs, in this account and Region.

Codes: AWS General Reference, Bedrock quotas, read 2026-11-23; some in public lists of ListServiceQuotas too
(`tests/recorded/service-quotas.json` says which).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import catalog, clock, naming
from tunedrop.aws import Aws, explain, is_transient
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Run
from tunedrop.errors import PreflightFailed
from tunedrop.serving import bases, choose, throughput
from tunedrop.stage import Stage

JOBS = "L-0406044C"
DEPLOYMENTS_IN_PROGRESS = "L-430C95DD"
DEPLOYMENTS = "L-1EF80F3E"
CUSTOM_MODELS = "L-CB5B847D"
NO_COMMITMENT_UNITS = "L-BE77399C"
IMPORTED_MODELS = "L-45B04988"


class Quota(msgspec.Struct, frozen=True):
    """One quota of this account in this Region."""

    code: str
    name: str
    value: float
    adjustable: bool = False


def read(aws_: Aws) -> dict[str, Quota]:
    """Bedrock's quotas by code: this account's own values, else the defaults."""
    client = aws_.service_quotas
    found: dict[str, Quota] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="bedrock"):
            found |= {one["QuotaCode"]: _quota(one) for one in page["Quotas"]}
    return found


def request(quota: Quota, value: int, region: str) -> str:
    """The command that requests an increase."""
    return (
        "aws service-quotas request-service-quota-increase --service-code bedrock "
        f"--quota-code {quota.code} --desired-value {value} --region {region}"
    )


def models(bedrock: Any) -> int:
    """The number of custom models."""
    pages = bedrock.get_paginator("list_custom_models").paginate()
    return sum(len(page["modelSummaries"]) for page in pages)


def imported(bedrock: Any) -> list[str]:
    """The names of the imported models."""
    pages = bedrock.get_paginator("list_imported_models").paginate()
    return [str(one["modelName"]) for page in pages for one in page["modelSummaries"]]


def check(aws_: Aws, stage: Stage, run: Run, model: BaseModel, jobs: int) -> Check:
    """Whether the quotas leave room for the run's models and their serving resources.

    A quota that cannot be read is no failure; Bedrock itself would refuse later, after training.

    Parameters
    ----------
    jobs
        How many customization jobs the run starts; each produces a model.
    """
    try:
        full = list(_full(aws_, stage, run, model, jobs))
    except (ClientError, BotoCoreError) as error:
        if is_transient(error):
            raise
        return Check(name="quotas", passed=True, detail=f"the quotas could not be read: {explain(error)}")
    return Check(
        name="quotas",
        passed=not full,
        detail="; ".join(detail for detail, _ in full) or "the quotas leave room for the run",
        cure="; or ".join(cure for _, cure in full),
    )


def _full(aws_: Aws, stage: Stage, run: Run, model: BaseModel, jobs: int) -> Iterator[tuple[str, str]]:
    quotas = read(aws_)
    ways = _ways(model, run)
    quota = quotas.get(IMPORTED_MODELS)
    if quota is not None and "imported" in ways:
        new, names = 1 + _imports_base(aws_, stage, model), imported(aws_.bedrock)
        if len(names) + new > quota.value:
            detail, cure = _too_few(quota, len(names), len(names) + new, stage.region)
            yield detail + _copies(stage, model, names), cure
    quota = quotas.get(CUSTOM_MODELS)
    makes_custom_model = catalog.engines()[model.engine].tunes_foundation_models
    if quota is not None and makes_custom_model and (used := models(aws_.bedrock)) + jobs > quota.value:
        yield _too_few(quota, used, used + jobs, stage.region)
    quota = quotas.get(DEPLOYMENTS)
    if quota is not None and "on-demand" in ways:
        found = throughput.deployments(aws_.bedrock)
        if len(found) >= quota.value and not _may_free_up(found, stage):
            yield _too_few(quota, len(found), len(found) + 1, stage.region)
    quota = quotas.get(NO_COMMITMENT_UNITS)
    if quota is not None and "provisioned" in ways and run.deployment.commitment == "none":
        used = _units(aws_.bedrock)
        if used + run.deployment.model_units > quota.value:
            yield _too_few(quota, used, used + run.deployment.model_units, stage.region)


def _copies(stage: Stage, model: BaseModel, names: list[str]) -> str:
    """The imported models that are the stage's copies of other base models; the sweep deletes unused ones."""
    own, every = naming.base_imports(stage.name, model.short_name), naming.base_imports(stage.name)
    others = [one for one in names if one.startswith(every) and not one.startswith(own)]
    if not others:
        return ""
    idle = clock.about(stage.base_model_idle_seconds)
    return (
        f", of them {', '.join(others)} to compare with: the sweep deletes each once no run needs it for "
        f"{idle}"
    )


def _imports_base(aws_: Aws, stage: Stage, model: BaseModel) -> bool:
    """Whether the base model will be imported too, for the comparison; an existing copy is already
    counted."""
    return bases.is_needed(model) and bases.latest(aws_.bedrock, stage, model).base is None


def _ways(model: BaseModel, run: Run) -> set[str | None]:
    """The serving modes during and after the evaluation; another check reports an unsupported mode."""
    try:
        return {choose.way(model, run.deployment), choose.production_way(model, run.deployment)}
    except PreflightFailed:
        return set()


def _may_free_up(found: list[dict[str, Any]], stage: Stage) -> bool:
    """Whether a deployment is recent enough to belong to another run's evaluation, which will release it:
    then the run waits for it after training."""
    since = datetime.now(UTC) - timedelta(seconds=stage.throughput_expiry_seconds)
    return any(one["createdAt"] > since for one in found)


def _units(bedrock: Any) -> int:
    pages = bedrock.get_paginator("list_provisioned_model_throughputs").paginate()
    bought = [one for page in pages for one in page["provisionedModelSummaries"]]
    return sum(one["modelUnits"] for one in bought if not one.get("commitmentDuration"))


def _too_few(quota: Quota, used: int, needed: int, region: str) -> tuple[str, str]:
    detail = f"{quota.name} ({quota.code}) is {quota.value:g}, {used} used"
    cure = request(quota, needed, region) if quota.adjustable else "It cannot be raised"
    return detail, f"Delete what is not needed (tunedrop throughput, tunedrop teardown), or: {cure}"


def _quota(answer: dict[str, Any]) -> Quota:
    return Quota(
        answer["QuotaCode"], answer["QuotaName"], float(answer["Value"]), bool(answer.get("Adjustable"))
    )

"""Checks base models: whether they are active, customizable and accessible to this account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import catalog
from tunedrop.aws import Aws, is_missing
from tunedrop.aws.foundation_models import ACCESS, announced, describe, missing_access, why_closed
from tunedrop.catalog.model import BaseModel
from tunedrop.doctor._finding import Finding, State, asked
from tunedrop.training import engines

ABOUT = "Base models"
SOON = timedelta(days=180)
"""How far ahead a lifecycle change is reported: the Legacy period is six months or 45 days (user guide,
model-lifecycle, read 2026-11-29)."""


def check(aws: Aws, models: Iterable[BaseModel]) -> Iterator[Finding]:
    """One finding per base model."""
    for model in models:
        yield from asked(ABOUT, model.name, lambda model=model: iter([_one(aws, model)]))  # type: ignore[misc]


def _one(aws: Aws, model: BaseModel) -> Finding:
    region = aws.session.region_name
    if region not in model.regions:
        return _finding(
            model,
            "bad",
            f"is customized in {', '.join(model.regions)}, not in {region}",
            "Deploy a stage there",
        )
    if not (engine := catalog.engines()[model.engine]).tunes_foundation_models:
        return _finding(model, "note", f"is trained by {engine.title}, which the preflight of each run asks")
    try:
        details = describe(aws.bedrock, model)
        access = aws.bedrock.get_foundation_model_availability(modelId=model.lifecycle_id)
    except ClientError as error:
        if not is_missing(error):
            raise
        return _finding(model, "bad", f"is not offered in {region} (any more)", catalog.instead(model))
    return _judge(model, details, missing_access(access), datetime.now(UTC))


def _judge(model: BaseModel, details: dict[str, Any], missing: list[str], now: datetime) -> Finding:
    if closed := why_closed(details, now):
        return _finding(model, "bad", closed, catalog.instead(model))
    if missing:
        return _finding(
            model,
            "bad",
            f"no access: {', '.join(missing)}",
            ACCESS,
        )
    offered = set(details.get("customizationsSupported", []))
    kinds = ", ".join(sorted(offered)) or "no customization"
    lacking = _listed_by_bedrock(model) - offered
    if lacking and not offered:
        detail = f"offers no customization, not {', '.join(sorted(lacking))}"
        return _finding(model, "bad", detail, catalog.instead(model))
    if lacking:
        return _finding(model, "note", f"offers {kinds}, but not {', '.join(sorted(lacking))}")
    if coming := announced(details, now, SOON):
        return _finding(model, "note", f"{coming}; offers {kinds}", catalog.instead(model))
    return _finding(model, "good", f"active, access granted; offers {kinds}")


def _listed_by_bedrock(model: BaseModel) -> set[str]:
    """The customization types that Bedrock should list; there is none for reinforcement (botocore,
    ModelCustomization)."""
    types = {engines.of(model, method).customization_type(method) for method in model.methods}
    return types - {"", "REINFORCEMENT_FINE_TUNING"}


def _finding(model: BaseModel, state: State, detail: str, hint: str = "") -> Finding:
    return Finding(about=ABOUT, name=model.name, state=state, detail=detail, hint=hint)

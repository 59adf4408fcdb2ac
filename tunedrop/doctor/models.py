"""Base models: whether they are alive, customizable and open to this account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tunedrop.aws import Aws, is_missing
from tunedrop.catalog.model import BaseModel
from tunedrop.doctor.finding import Finding, State, asked
from tunedrop.preflight.offered import describe, end_of_life, is_legacy, missing_access

ABOUT = "Base models"
SOON = timedelta(days=90)
"""A model that ends within so many days is worth a warning: Bedrock gives six months' notice
(user guide, model-lifecycle, read 2026-11-23)."""


def look(aws: Aws, models: Iterable[BaseModel]) -> Iterator[Finding]:
    """One finding a base model."""
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
    try:
        details = describe(aws.bedrock, model)
        access = aws.bedrock.get_foundation_model_availability(modelId=model.lifecycle_id)
    except ClientError as error:
        if not is_missing(error):
            raise
        return _finding(model, "bad", f"is not offered in {region} (any more)", "Choose another base model")
    return _judge(model, details, missing_access(access), datetime.now(UTC))


def _judge(model: BaseModel, details: dict[str, Any], missing: list[str], now: datetime) -> Finding:
    ends = end_of_life(details)
    if is_legacy(details, now):
        return _finding(
            model,
            "bad",
            "is a legacy model: no new job may start on it",
            "Choose another base model: tunedrop advise",
        )
    if missing:
        return _finding(
            model,
            "bad",
            f"no access: {', '.join(missing)}",
            "As an administrator, open the model in the Bedrock console (Model catalog) and accept its terms",
        )
    kinds = ", ".join(details.get("customizationsSupported", [])) or "no customization"
    if ends is not None and ends - now < SOON:
        return _finding(
            model, "note", f"ends on {ends:%Y-%m-%d}; offers {kinds}", "Plan for another base model"
        )
    return _finding(model, "good", f"active, access granted; offers {kinds}")


def _finding(model: BaseModel, state: State, detail: str, cure: str = "") -> Finding:
    return Finding(about=ABOUT, name=model.name, state=state, detail=detail, cure=cure)

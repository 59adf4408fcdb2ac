"""What Bedrock says of a base model now, which overrides the catalog: its life, and who may use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.catalog.model import BaseModel


def describe(bedrock: Any, model: BaseModel) -> dict[str, Any]:
    """What GetFoundationModel says of a base model, of both its ids together.

    Most base models have two: `amazon.titan-text-lite-v1:0:4k` is customized and lists how, and
    `amazon.titan-text-lite-v1` answers on demand and lists none (an account's ListFoundationModels,
    `tests/recorded/list-foundation-models.json`). Legacy counts by whichever says so.

    Raises
    ------
    ClientError
        When neither id exists, or the question is refused.
    """
    found, refusal = [], None
    for id_ in dict.fromkeys((model.id, model.lifecycle_id)):
        try:
            found.append(bedrock.get_foundation_model(modelIdentifier=id_)["modelDetails"])
        except ClientError as error:
            if not (aws.is_missing(error) or aws.code_of(error) == "ValidationException"):
                raise
            refusal = error
    if not found:
        assert refusal is not None
        raise refusal
    kinds = {kind: None for one in found for kind in one.get("customizationsSupported", [])}
    ends = next((one for one in found if end_of_life(one) or _status(one) == "LEGACY"), found[0])
    return {**ends, "customizationsSupported": list(kinds)}


def _status(details: Mapping[str, Any]) -> str:
    return str(details.get("modelLifecycle", {}).get("status", ""))


def end_of_life(details: Mapping[str, Any]) -> datetime | None:
    """When the model ends, as GetFoundationModel gives it (`modelLifecycle.endOfLifeTime`)."""
    ends: datetime | None = details.get("modelLifecycle", {}).get("endOfLifeTime")
    return ends


def is_legacy(details: Mapping[str, Any], now: datetime) -> bool:
    """Whether no new job may start on it (Bedrock user guide, model-lifecycle, read 2026-11-23)."""
    ends = end_of_life(details)
    return _status(details) == "LEGACY" or bool(ends and ends <= now)


def missing_access(answer: Mapping[str, Any]) -> list[str]:
    """What GetFoundationModelAvailability says is missing; empty when the model may be used."""
    states = (
        ("agreement", answer["agreementAvailability"]["status"], "AVAILABLE"),
        ("authorization", answer["authorizationStatus"], "AUTHORIZED"),
        ("entitlement", answer["entitlementAvailability"], "AVAILABLE"),
        ("Region", answer["regionAvailability"], "AVAILABLE"),
    )
    return [f"{name} {state}" for name, state, wanted in states if state != wanted]

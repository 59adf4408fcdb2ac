"""What Bedrock says of a base model now, which overrides the catalog: its life, and who may use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def end_of_life(details: Mapping[str, Any]) -> datetime | None:
    """When the model ends, as GetFoundationModel gives it (`modelLifecycle.endOfLifeTime`)."""
    ends: datetime | None = details.get("modelLifecycle", {}).get("endOfLifeTime")
    return ends


def is_legacy(details: Mapping[str, Any], now: datetime) -> bool:
    """Whether no new job may start on it (Bedrock user guide, model-lifecycle, read 2026-11-23)."""
    ends = end_of_life(details)
    return details.get("modelLifecycle", {}).get("status") == "LEGACY" or bool(ends and ends <= now)


def missing_access(answer: Mapping[str, Any]) -> list[str]:
    """What GetFoundationModelAvailability says is missing; empty when the model may be used."""
    states = (
        ("agreement", answer["agreementAvailability"]["status"], "AVAILABLE"),
        ("authorization", answer["authorizationStatus"], "AUTHORIZED"),
        ("entitlement", answer["entitlementAvailability"], "AVAILABLE"),
        ("Region", answer["regionAvailability"], "AVAILABLE"),
    )
    return [f"{name} {state}" for name, state, wanted in states if state != wanted]

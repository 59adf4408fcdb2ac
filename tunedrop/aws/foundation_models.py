"""A base model's current lifecycle and access from Bedrock, which override the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.catalog.model import BaseModel

ACCESS = (
    "No request is needed but for Anthropic's models, which ask for their form once (Bedrock console, Model "
    "catalog). Look for a policy that denies the model, and let the first call of a model sold through AWS "
    "Marketplace be made by somebody with aws-marketplace:Subscribe"
)
"""What to do about missing access (Bedrock user guide, model-access, read 2026-11-29)."""


def describe(bedrock: Any, model: BaseModel) -> dict[str, Any]:
    """GetFoundationModel's description of a base model, merged from both its ids.

    Most base models have two: `amazon.titan-text-lite-v1:0:4k` is for customization and lists its types,
    `amazon.titan-text-lite-v1` is for on-demand inference and lists none (an account's ListFoundationModels,
    `tests/recorded/list-foundation-models.json`). The model is Legacy if either says so.

    Raises
    ------
    ClientError
        If neither id exists, or the call is refused.
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
    """When the model ends, according to GetFoundationModel (`modelLifecycle.endOfLifeTime`)."""
    ends: datetime | None = details.get("modelLifecycle", {}).get("endOfLifeTime")
    return ends


def legacy_time(details: Mapping[str, Any]) -> datetime | None:
    """When the model becomes or became Legacy (`modelLifecycle.legacyTime`)."""
    begins: datetime | None = details.get("modelLifecycle", {}).get("legacyTime")
    return begins


def why_closed(details: Mapping[str, Any], now: datetime) -> str:
    """Why no new job or provisioned throughput may start on it; empty if they may.

    Source: Bedrock user guide, model-lifecycle and model-lifecycle-legacy, read 2026-11-29.
    """
    begins, ends = legacy_time(details), end_of_life(details)
    if ends is not None and ends <= now:
        return f"reached its end of life on {ends:%Y-%m-%d}"
    if _status(details) != "LEGACY" and not (begins is not None and begins <= now):
        return ""
    since = f" since {begins:%Y-%m-%d}" if begins is not None else ""
    until = f", until its end on {ends:%Y-%m-%d}" if ends is not None else ""
    return f"is Legacy{since}{until}: Bedrock starts no new job and no new provisioned throughput on it"


def announced(details: Mapping[str, Any], now: datetime, within: timedelta) -> str:
    """The lifecycle changes announced within a period, as a clause; empty if there are none."""
    begins, ends = legacy_time(details), end_of_life(details)
    coming = [
        f"{what} on {moment:%Y-%m-%d}"
        for what, moment in (("becomes Legacy", begins), ("ends", ends))
        if moment is not None and now < moment <= now + within
    ]
    return " and ".join(coming)


def why_unusable(bedrock: Any, model_id: str) -> str:
    """Why a model cannot be called in this account: it has ended, or access to it is missing; else empty.

    Raises
    ------
    ClientError
        If the model does not exist, or the call is refused.
    """
    ended = end_of_life(bedrock.get_foundation_model(modelIdentifier=model_id)["modelDetails"])
    if ended is not None and ended <= datetime.now(UTC):
        return "has reached its end of life"
    missing = missing_access(bedrock.get_foundation_model_availability(modelId=model_id))
    return f"cannot be called in this account ({', '.join(missing)}). {ACCESS}" if missing else ""


def missing_access(answer: Mapping[str, Any]) -> list[str]:
    """What is missing according to GetFoundationModelAvailability; empty if the model may be used."""
    states = (
        ("agreement", answer["agreementAvailability"]["status"], "AVAILABLE"),
        ("authorization", answer["authorizationStatus"], "AUTHORIZED"),
        ("entitlement", answer["entitlementAvailability"], "AVAILABLE"),
        ("Region", answer["regionAvailability"], "AVAILABLE"),
    )
    return [f"{name} {state}" for name, state, wanted in states if state != wanted]

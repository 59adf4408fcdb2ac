"""Which way to serve a custom model: what its base model allows, what the run asks, on-demand first."""

from __future__ import annotations

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Commitment, DeploymentSettings, Way
from tunedrop.errors import PreflightFailed
from tunedrop.serving import kinds


def way(base_model: BaseModel, settings: DeploymentSettings) -> Way:
    """How the tuned model is served for its evaluation.

    On-demand wherever the base model allows it, whatever the run asks for later: it bills nothing while idle,
    so that provisioned throughput is only ever bought for a model that has passed.

    Raises
    ------
    PreflightFailed
        If the run asks for a way that the base model does not have, or it has none.
    """
    offered = kinds.offered(base_model)
    modes = list(dict.fromkeys(kind.mode for kind in offered if kind.mode))
    if settings.mode != "auto" and settings.mode not in modes:
        raise PreflightFailed(
            f"deployment.mode: models tuned from {base_model.name} cannot be served by {settings.mode}; "
            f"they can be by {' or '.join(modes) or 'nothing'}"
        )
    if not offered:
        raise PreflightFailed(f"Bedrock has no way to serve models tuned from {base_model.name}")
    return offered[0].way


def production_way(base_model: BaseModel, settings: DeploymentSettings) -> Way | None:
    """How a model that has passed the gate is served from then on, where not as it was evaluated.

    Provisioned throughput that the run asks for, for as long as it asks to keep it, on a base model that was
    evaluated on demand.
    """
    wants = settings.mode == "provisioned" and bool(settings.keep_for_seconds)
    return "provisioned" if wants and way(base_model, settings) == "on-demand" else None


def rate_of(model_arn: str, units: int, commitment: Commitment) -> float | None:
    """What provisioned throughput for a custom model bills, in US dollars an hour; None without a price."""
    base_model = catalog.base_of(model_arn)
    if base_model is None:
        return None
    price = base_model.prices.provisioned_per_unit_hour.get(commitment)
    return price.usd * units if price is not None else None


def hourly_usd(base_model: BaseModel, settings: DeploymentSettings, chosen: Way) -> float:
    """What serving costs an hour while nobody asks; 0 where the catalog knows no price or none is due."""
    price = base_model.prices.provisioned_per_unit_hour.get(settings.commitment)
    if kinds.of(chosen).is_free_while_idle or price is None:
        return 0.0
    return price.usd * settings.model_units

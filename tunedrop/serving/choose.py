"""Chooses the serving mode of a custom model: what base model and run allow, on demand first."""

from __future__ import annotations

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import DeploymentSettings, Way
from tunedrop.errors import PreflightFailed
from tunedrop.serving import kinds


def way(base_model: BaseModel, settings: DeploymentSettings) -> Way:
    """How the tuned model is served for its evaluation.

    On demand if the base model allows it, whatever the run requests for production: it is free while idle, so
    that provisioned throughput is only bought for a model that has passed.

    Raises
    ------
    PreflightFailed
        If the base model does not support the requested serving mode, or none.
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
    """How a model that has passed the gate is served in production, if not as it was evaluated.

    Provisioned throughput, if the run requests it and wants to keep it, for a model that was evaluated on
    demand.
    """
    evaluated = way(base_model, settings)
    requested = next((kind.way for kind in kinds.offered(base_model) if kind.mode == settings.mode), None)
    return requested if settings.keep_for_seconds and requested != evaluated else None


def pays_by_the_hour(base_model: BaseModel, settings: DeploymentSettings) -> bool:
    """Whether a run buys throughput, so that its estimate counts the hours of `keep_for`.

    Raises
    ------
    PreflightFailed
        As `way`.
    """
    chosen = production_way(base_model, settings) or way(base_model, settings)
    return kinds.of(chosen).billed_by == "hour"


def hourly_usd(base_model: BaseModel, settings: DeploymentSettings, chosen: Way) -> float:
    """The cost per idle hour; 0 if it is free or the catalog has no price."""
    return kinds.of(chosen).hourly_usd(base_model, settings.model_units, settings.commitment) or 0.0

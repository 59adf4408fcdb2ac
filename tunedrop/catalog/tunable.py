"""Which base models can be tuned on a day, in a Region, by a method; why not the others, and alternatives.

This is the catalog's state, for use without AWS. Preflight checks with Bedrock itself before anything is
paid.
"""

from __future__ import annotations

from tunedrop import clock
from tunedrop.catalog._engine import engines
from tunedrop.catalog.model import BaseModel, Lifecycle
from tunedrop.catalog.refusals import refusal
from tunedrop.contracts import Method


def obstacle(
    model: BaseModel, *, method: Method | None = None, region: str | None = None, on: str = ""
) -> str:
    """Why a base model cannot be tuned, according to the catalog; empty if it can.

    Parameters
    ----------
    method, region
        None: any.
    on
        The day (YYYY-MM-DD); empty: today.

    Returns
    -------
    str
        A clause whose subject is the model: `has ended on 2026-07-07`.
    """
    if ended := why_closed(model.lifecycle, on):
        return ended
    if method is not None and method not in model.methods:
        why = refusal(model.id, method)
        reason = f": {why.reason}" if why is not None else ""
        return f"is not tuned by {method}, but by {', '.join(model.methods)}{reason}"
    if closed := unused(model, method):
        return closed
    regions = model.regions_of(method or "auto")
    if region is not None and region not in regions:
        return f"is tuned in {' and '.join(regions)}, not in {region}"
    return ""


def unused(model: BaseModel, method: Method | None) -> str:
    """A clause if Tunedrop does not use the engine that trains it (for any method, if none is given)."""
    names = [model.engine_of(one) for one in ([method] if method is not None else model.methods)]
    if any(not engines()[name].closed for name in names):
        return ""
    first = engines()[names[0]]
    return f"is tuned by {first.title}, {first.closed}"


def why_closed(lifecycle: Lifecycle, on: str = "") -> str:
    """Why no new job may start on a model with this lifecycle; empty if it may."""
    match lifecycle.state(on or clock.today()):
        case "ended":
            return f"reached its end of life on {lifecycle.ends_on}"
        case "legacy":
            until = f" and ends on {lifecycle.ends_on}" if lifecycle.ends_on else ""
            return f"has been Legacy since {lifecycle.legacy_since}{until}: Bedrock starts no new job on it"
        case "active":
            return ""


def tunable(
    models: dict[str, BaseModel],
    *,
    method: Method | None = None,
    region: str | None = None,
    on: str = "",
) -> list[BaseModel]:
    """The base models that can be tuned."""
    return [one for one in models.values() if not obstacle(one, method=method, region=region, on=on)]


def instead(
    models: dict[str, BaseModel],
    model: BaseModel | None,
    *,
    method: Method | None = None,
    region: str = "",
    on: str = "",
) -> str:
    """An alternative to a model that cannot be tuned: its successor, else one of the Region, else another."""
    found = tunable(models, method=method, on=on)
    if not found:
        why = refusal(model.id, method or "auto") if model is not None else None
        if why is not None:
            return why.nearest
        return "No base model of the catalog can be tuned so today"
    successor = model.lifecycle.successor if model is not None else ""
    best = min(
        found,
        key=lambda one: (
            one.id != successor, region not in ("", *one.regions_of(method or "auto")), bool(one.license)
        ),
    )  # fmt: skip
    return f"Take {best.id} ({best.name}, in {' and '.join(best.regions_of(method or 'auto'))})"

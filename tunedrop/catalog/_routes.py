"""How a base model is tuned by a method: the engine, the Regions, and the prerequisites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tunedrop.catalog._engine import engines
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method


def route(model: BaseModel, method: Method | Literal["auto"] = "auto") -> str:
    """The engine and the Regions, as a clause whose subject is the model."""
    regions = " and ".join(model.regions_of(method))
    return f"tuned by {engines()[model.engine_of(method)].title} in {regions}"


def needs(model: BaseModel, method: Method | Literal["auto"] = "auto") -> Iterator[str]:
    """The prerequisites of such a run, all of which preflight checks."""
    name = model.engine_of(method)
    if not engines()[name].tunes_foundation_models:
        yield f'"{name}" in the stage\'s setting engines'
    if model.license:
        yield f"accept_eula: true, by which you accept {model.license}"
    if model.training_instance:
        yield f"one {model.training_instance} in the quota of training instances, 0 in new accounts"
    if "imported" in model.serving.ways and not model.inference_id:
        yield "room for two imported models: the tuned one, and its base model to compare with"

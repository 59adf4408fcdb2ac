"""Resolves the base model to tune, and which of its engines trains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import unused
from tunedrop.contracts import Method
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Manifest
from tunedrop.stage import Stage

Methods = Sequence[Method | Literal["auto"]]

LatestModel = Callable[[str], str | None]
"""Finds the ARN of the custom model of the latest run of a name, if there is one."""


def no_models(name: str) -> None:
    """A `LatestModel` without a registry."""
    del name


def with_model(document: Manifest, latest_model: LatestModel) -> Manifest:
    """The manifest with the model that `from` refers to as its base model.

    Raises
    ------
    InvalidManifest
        If that run has no model.
    """
    if document.from_run is None:
        return document
    model = latest_model(document.from_run)
    if model is None:
        raise InvalidManifest(
            f"from: no run named {document.from_run} has made a model, or it was deleted; see tunedrop runs"
        )
    return msgspec.structs.replace(document, base_model=model, from_run=None)


def find(name: str) -> BaseModel:
    """The base model of the catalog that a manifest names.

    Raises
    ------
    InvalidManifest
        If the catalog does not contain it; the message names the closest.
    """
    try:
        return catalog.find(name)
    except LookupError as error:
        raise InvalidManifest(f"base_model: {error.args[0]}") from error


def trained_by(stage: Stage, base_model: BaseModel, document: Manifest, parent_model: str = "") -> BaseModel:
    """The catalog entry of a base model for the engine that will train it.

    That is the engine that the manifest names; else the default one, or another if the default one does not
    train it by these methods in this stage.

    Raises
    ------
    InvalidManifest
        If the engine that the manifest names does not train it by these methods, or did not make the model to
        continue from.
    """
    methods = (*(one.method for one in document.stages), document.method)
    offered = catalog.entries(base_model)
    if document.engine:
        return _named(base_model, offered, document.engine, methods, parent_model)
    if parent_model or base_model.variant_of:
        return base_model
    usable = [one for one in offered if _trains(stage, one, methods)]
    return base_model if base_model in usable or not usable else usable[0]


def _named(
    base_model: BaseModel, offered: list[BaseModel], engine: str, methods: Methods, parent_model: str
) -> BaseModel:
    if engine not in catalog.engines():
        raise InvalidManifest(f"engine: {engine} is not an engine; there are {', '.join(catalog.engines())}")
    if parent_model and base_model.engine != engine:
        raise InvalidManifest(
            f"engine: {parent_model} was tuned by {base_model.engine}, and {engine} cannot continue from it: "
            f"leave engine out, or name {base_model.service_id} as base_model"
        )
    found = [one for one in offered if all(one.engine_of(method) == engine for method in methods)]
    if not found:
        known = dict.fromkeys(one.engine_of(method) for one in offered for method in one.methods)
        raise InvalidManifest(
            f"engine: {base_model.name} is not tuned by {engine}, but by {' and '.join(known)}: leave engine "
            "out, or see tunedrop bases"
        )
    fitting = [one for one in found if all(method in ("auto", *one.methods) for method in methods)]
    return (fitting or found)[0]


def _trains(stage: Stage, base_model: BaseModel, methods: Methods) -> bool:
    """Whether a stage trains an entry by all of these methods, in its Region if it says one."""
    return all(
        method in ("auto", *base_model.methods)
        and base_model.engine_of(method) in stage.engines
        and stage.region in ("", *base_model.regions_of(method))
        for method in methods
    )


def refuse_untunable(stage: Stage, base_model: BaseModel, method: Method | Literal["auto"]) -> None:
    """Refuse a base model and a method that no engine of this stage trains; preflight checks the rest.

    Raises
    ------
    InvalidManifest
        With the reason, and an alternative.
    """
    known = base_model.methods if method == "auto" else [method]
    offered = [one for one in known if not _why_not(base_model, one)]
    if not offered:
        why = _why_not(base_model, next(iter(known)))
        advice = catalog.instead(base_model, None if method == "auto" else method, region=stage.region)
        raise InvalidManifest(f"base_model: {base_model.name} {why}. {advice}")
    name = base_model.engine_of(offered[0])
    if name not in stage.engines:
        title = catalog.engines()[name].title
        raise InvalidManifest(
            f"base_model: {base_model.name} is tuned by {title}, which this stage does not use: add "
            f'"{name}" to its setting engines and deploy it again'
        )


def _why_not(base_model: BaseModel, method: Method) -> str:
    """Why no engine trains a base model by a method; its lifecycle and Region are checked later."""
    if method in base_model.methods:
        return unused(base_model, method)
    why = catalog.refusal(base_model.id, method)
    return f"is not tuned by {method}: {why.reason}" if why is not None else ""

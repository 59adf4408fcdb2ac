"""What a run tunes: a base model of the catalog, or a custom model further."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Manifest
from tunedrop.stage import Stage

LatestModel = Callable[[str], str | None]
"""The ARN of the custom model that the latest run of a name has made, where there is one."""


def no_models(name: str) -> None:
    """A `LatestModel` where no registry can be asked."""
    del name


def with_model(document: Manifest, latest_model: LatestModel) -> Manifest:
    """The same with the model that `from` stands for as its base.

    Raises
    ------
    InvalidManifest
        When that run has made none.
    """
    if document.from_run is None:
        return document
    model = latest_model(document.from_run)
    if model is None:
        raise InvalidManifest(f"from: no run named {document.from_run} has made a model; see tunedrop runs")
    return msgspec.structs.replace(document, base_model=model, from_run=None)


def find(stage: Stage, name: str) -> tuple[BaseModel, str]:
    """The base model that a manifest names, and the ARN of the custom model where it names one of those.

    Raises
    ------
    InvalidManifest
        When there is no such model, or it cannot be tuned here.
    """
    if name.startswith("arn:"):
        return _base_of(stage, name), name
    try:
        found = catalog.find(name)
    except LookupError as error:
        raise InvalidManifest(f"base_model: {error.args[0]}") from error
    if found.api != "bedrock":
        raise InvalidManifest(
            f"base_model: {found.name} is not tuned by CreateModelCustomizationJob; {found.notes[0]}"
        )
    return found, ""


def _base_of(stage: Stage, arn: str) -> BaseModel:
    """The base of a custom model that this stage may tune further: one of its own account and Region."""
    ours = f"arn:aws:bedrock:{stage.region}:{stage.account}:custom-model/"
    if not re.fullmatch(re.escape(ours) + r"[a-z0-9.:-]+/[a-z0-9]{12}", arn):
        raise InvalidManifest(
            f"base_model: {arn} is not a custom model of this account and Region ({ours}...); "
            "copy a model of another Region here first (bedrock create-model-copy-job)"
        )
    if (base := catalog.base_of(arn)) is None:
        raise InvalidManifest(f"base_model: the catalog does not know the base of {arn}")
    return base

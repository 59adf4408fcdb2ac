"""Resolves the model to tune: a base model of the catalog, or a custom model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from tunedrop import catalog
from tunedrop.aws.mantle import TUNED_MODELS
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import unused
from tunedrop.contracts import Method
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
    if TUNED_MODELS in name:
        raise InvalidManifest(
            f"base_model: {name} was tuned through an OpenAI-compatible API, and no job goes on with such a "
            "model: name the base model, and give all data at once"
        )
    try:
        found = catalog.find(name)
    except LookupError as error:
        raise InvalidManifest(f"base_model: {error.args[0]}") from error
    return found, ""


def refuse_untunable(stage: Stage, base_model: BaseModel, method: Method | Literal["auto"]) -> None:
    """Refuse a base model and a method that no engine of this stage trains; others find out what AWS says.

    Raises
    ------
    InvalidManifest
        With the reason, and the nearest way that works.
    """
    known = base_model.methods if method == "auto" else [method]
    offered = [one for one in known if not _why_not(base_model, one)]
    if not offered:
        why = _why_not(base_model, next(iter(known)))
        advice = catalog.instead(base_model, None if method == "auto" else method)
        raise InvalidManifest(f"base_model: {base_model.name} {why}. {advice}")
    name = base_model.engine_of(offered[0])
    if name not in stage.engines:
        title = catalog.engines()[name].title
        raise InvalidManifest(
            f"base_model: {base_model.name} is tuned by {title}, which this stage does not use: add "
            f'"{name}" to its setting engines and deploy it again'
        )


def _why_not(base_model: BaseModel, method: Method) -> str:
    """Why nothing here ever trains a base model by a method; its lifecycle and Region are asked for later."""
    if method in base_model.methods:
        return unused(base_model, method)
    why = catalog.refusal(base_model.id, method)
    return f"is not tuned by {method}: {why.reason}" if why is not None else ""


def _base_of(stage: Stage, arn: str) -> BaseModel:
    """The base of a model that this stage may tune further: one of its own account and Region.

    A Bedrock job goes on with a custom model, a serverless job with a model package of another serverless
    job; nothing goes on with an imported model, and nothing across services (SageMaker AI developer guide,
    customizing-models-continuous, and Bedrock user guide, model-customization-submit, read 2026-11-29).
    """
    bedrock, sagemaker = (
        f"arn:aws:{one}:{stage.region}:{stage.account}:" for one in ("bedrock", "sagemaker")
    )
    if ":imported-model/" in arn or ":custom-model-deployment/" in arn or ":provisioned-model/" in arn:
        raise InvalidManifest(
            f"base_model: {arn} is not a custom model of this account and Region: it serves one, and no job "
            "can continue from that; use from: RUN with the run that trained the model"
        )
    if ":training-job/" in arn:
        raise InvalidManifest(
            f"base_model: {arn} is a training job that stands for the model it has made, and no job goes on "
            "with that: name the base model, and give all texts at once"
        )
    if not re.fullmatch(
        f"{re.escape(bedrock)}custom-model/[a-z0-9.:-]+/[a-z0-9]{{12}}"
        f"|{re.escape(sagemaker)}model-package/tunedrop-{re.escape(stage.name)}-[a-z0-9-]+/[0-9]{{1,6}}",
        arn,
    ):
        raise InvalidManifest(
            f"base_model: {arn} is not a custom model of this account and Region "
            f"({bedrock}custom-model/...), nor a model package that this stage has made; "
            "copy a model of another Region here first (bedrock create-model-copy-job)"
        )
    if (base := catalog.base_of(arn)) is None:
        raise InvalidManifest(f"base_model: the catalog does not know the base of {arn}")
    return base

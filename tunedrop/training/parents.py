"""Resolves a model to tune further to its base model, and refuses those that no job can continue from."""

from __future__ import annotations

import re
from typing import Literal

from botocore.exceptions import ClientError

from tunedrop.aws import Aws, is_transient
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method
from tunedrop.errors import InvalidManifest
from tunedrop.planning import base_models
from tunedrop.stage import Stage
from tunedrop.training import engines

_SERVING = (":imported-model/", ":custom-model-deployment/", ":provisioned-model/")
"""Parts of the ARNs of Bedrock's serving resources."""


def find(stage: Stage, name: str) -> tuple[BaseModel, str]:
    """The base model that a manifest names, and the ARN of the tuned model if it names one.

    Raises
    ------
    InvalidManifest
        If there is no such model, or it cannot be tuned here.
    """
    if name.startswith("arn:") or any(engine.model_arns in name for engine in engines.every()):
        return _base_of(stage, name), name
    return base_models.find(name), ""


def method_of(aws: Aws, stage: Stage, arn: str) -> Method | None:
    """The method that a model to continue from was tuned by; None as for `TrainingEngine.method_of`.

    Raises
    ------
    ClientError
        If a later try may succeed. Preflight reports what is refused for good.
    """
    try:
        return engines.of_model(arn).method_of(aws, stage, arn)
    except ClientError as error:
        if is_transient(error):
            raise
        return None


def refuse_order(arn: str, base_model: str, before: Method | None, after: Method | Literal["auto"]) -> None:
    """Refuse a method that cannot continue from the model of another; `auto` is resolved after validation.

    Raises
    ------
    InvalidManifest
        With what to do instead.
    """
    if before is None or after == "auto":
        return
    if instead := engines.of_model(arn).why_not_after(before, after):
        raise InvalidManifest(
            f"base_model: {arn} was tuned by {before}, and {after} cannot go on with that. "
            f"{instead}; or name {base_model} as base_model"
        )


def _base_of(stage: Stage, arn: str) -> BaseModel:
    """The base model of a model that this stage may tune further: one of its own account and Region.

    A Bedrock job can continue from a custom model, a serverless job from a model package of another
    serverless job; no job can continue from an imported model or a model of another service (SageMaker AI
    developer guide, customizing-models-continuous, and Bedrock user guide, model-customization-submit, read
    2026-11-29).
    """
    if any(part in arn for part in _SERVING):
        raise InvalidManifest(
            f"base_model: {arn} is not a custom model of this account and Region: it serves one, and no job "
            "can continue from that; use from: RUN with the run that trained the model"
        )
    own = {"region": stage.region, "account": stage.account, "stage": stage.name}
    here = {name: re.escape(value) for name, value in own.items()}
    for engine in engines.every():
        if engine.model_arns in arn and engine.dead_end:
            raise InvalidManifest(f"base_model: {arn} {engine.dead_end}")
        if engine.parents and re.fullmatch(engine.parents.format_map(here), arn):
            if (base := engine.base_of(stage, arn)) is None:
                raise InvalidManifest(f"base_model: the catalog does not know the base of {arn}")
            return base
    raise InvalidManifest(
        f"base_model: {arn} is not a custom model of this account and Region "
        f"(arn:aws:bedrock:{stage.region}:{stage.account}:custom-model/...), nor a model package that this "
        "stage has made; copy a model of another Region here first (bedrock create-model-copy-job)"
    )

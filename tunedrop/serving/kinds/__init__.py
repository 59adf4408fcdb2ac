"""The kinds of serving: one file each; a model's base says in the catalog which ones it has."""

from __future__ import annotations

from typing import Any

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Way
from tunedrop.serving.kind import ServingKind
from tunedrop.serving.kinds.deployment import Deployment
from tunedrop.serving.kinds.imported import Imported
from tunedrop.serving.kinds.mantle import Mantle
from tunedrop.serving.kinds.provisioned import Provisioned
from tunedrop.stage import Stage

EVERY: tuple[ServingKind, ...] = (Deployment(), Provisioned(), Imported(), Mantle())


def of(way: Way) -> ServingKind:
    """The kind that serves this way."""
    return next(kind for kind in EVERY if kind.way == way)


def offered(base_model: BaseModel) -> list[ServingKind]:
    """The kinds that can serve models tuned from a base model, in order of preference."""
    return [kind for kind in EVERY if kind.serves(base_model)]


def of_arn(arn: str) -> ServingKind | None:
    """The kind that an ARN is of; None for what serves nothing, such as a model itself or a base model."""
    return next((kind for kind in EVERY if any(part in arn for part in kind.arns)), None)


def client(aws: Aws, model_id: str) -> Any:
    """The client that asks a model: of what serves it, or of a base model."""
    kind = of_arn(model_id)
    return kind.client(aws) if kind is not None else aws.bedrock_runtime


def base_id(stage: Stage, base_model: BaseModel, way: Way) -> str:
    """What a base model is asked as beside a model that is served this way."""
    return of(way).base_id(stage, base_model)

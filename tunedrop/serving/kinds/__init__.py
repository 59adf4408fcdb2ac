"""The serving modes, one module each; the catalog lists those of each base model.

Each module of this package is one kind, and holds one `KIND`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import Any

from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Way
from tunedrop.serving.kind import ServingKind
from tunedrop.stage import Stage


@cache
def every() -> tuple[ServingKind, ...]:
    """All kinds, in order of preference: those that cost nothing while idle first."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    built: list[ServingKind] = [import_module(f"{__name__}.{name}").KIND for name in names]
    return tuple(sorted(built, key=lambda one: not one.is_free_while_idle))


def of(way: Way) -> ServingKind:
    """The kind of this serving mode."""
    return next(kind for kind in every() if kind.way == way)


def offered(base_model: BaseModel) -> list[ServingKind]:
    """The kinds that can serve models tuned from a base model, in order of preference."""
    return [kind for kind in every() if kind.serves(base_model)]


def used_by(engines: Collection[str]) -> list[ServingKind]:
    """The kinds that a stage with these engines may use: those of their base models, and of every stage."""
    models = catalog.load().values()
    tuned = [one for one in models if any(one.engine_of(method) in engines for method in one.methods)]
    return [kind for kind in every() if kind.of_every_stage or any(map(kind.serves, tuned))]


def of_arn(arn: str) -> ServingKind | None:
    """The kind of a serving resource, by ARN; None for other ARNs, such as a model's."""
    return next((kind for kind in every() if any(part in arn for part in kind.arns)), None)


def client(aws: Aws, model_id: str) -> Any:
    """The client for inference with a model, by its modelId."""
    kind = of_arn(model_id)
    return kind.client(aws) if kind is not None else aws.bedrock_runtime


def base_id(stage: Stage, base_model: BaseModel, way: Way) -> str:
    """The modelId of a base model for the comparison with a model served like this."""
    return of(way).base_id(stage, base_model)

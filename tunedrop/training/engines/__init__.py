"""The engines that train: one package each, found by its name; the catalog says which trains what.

An engine's package is named as the catalog names the engine, with underscores, and holds one `ENGINE`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import Literal

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method
from tunedrop.training.engine import TrainingEngine


@cache
def every() -> tuple[TrainingEngine, ...]:
    """All engines that are built."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").ENGINE for name in names)


def named(name: str) -> TrainingEngine:
    """The engine that the catalog calls so.

    Raises
    ------
    LookupError
        When none of that name is built.
    """
    for engine in every():
        if engine.name == name:
            return engine
    raise LookupError(f"no engine {name} is built; there are {', '.join(one.name for one in every())}")


def of(base_model: BaseModel, method: Method | Literal["auto"] = "auto") -> TrainingEngine:
    """The engine that trains a base model by a method; `auto`: by its usual ones."""
    return named(base_model.engine_of(method))


def of_job(job_arn: str) -> TrainingEngine:
    """The engine that a job belongs to, by its ARN.

    Raises
    ------
    LookupError
        When no engine makes such jobs.
    """
    for engine in every():
        if engine.job_arns in job_arn:
            return engine
    raise LookupError(f"no engine makes jobs such as {job_arn}")


def of_model(model_arn: str) -> TrainingEngine:
    """The engine that has made a model, by its ARN.

    Raises
    ------
    LookupError
        When no engine makes such models.
    """
    for engine in every():
        if engine.model_arns in model_arn:
            return engine
    raise LookupError(f"no engine makes models such as {model_arn}")

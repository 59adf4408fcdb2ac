"""The training engines, one package each, found by name; the catalog says which one trains which model.

An engine's package has the engine's name in the catalog, with underscores, and defines `ENGINE`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Literal

from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CompletedJob, Method
from tunedrop.training import curves
from tunedrop.training.curves import Curves
from tunedrop.training.engine import TrainingEngine


@cache
def every() -> tuple[TrainingEngine, ...]:
    """All engines."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").ENGINE for name in names)


def named(name: str) -> TrainingEngine:
    """The engine of this name in the catalog.

    Raises
    ------
    LookupError
        If there is none of this name.
    """
    built = ", ".join(one.name for one in every())
    return _first(lambda one: one.name == name, f"no engine {name} is built; there are {built}")


def of(base_model: BaseModel, method: Method | Literal["auto"] = "auto") -> TrainingEngine:
    """The engine that trains a base model by a method; `auto`: by its usual ones."""
    return named(base_model.engine_of(method))


def names_of(base_models: Iterable[str]) -> tuple[str, ...]:
    """The names of the engines that train base models, by model id; unknown ids have none."""
    known = catalog.load()
    found = [known[id_] for id_ in base_models if id_ in known]
    return tuple(dict.fromkeys(one.engine_of(method) for one in found for method in one.methods))


def of_job(job_arn: str) -> TrainingEngine:
    """The engine that a job belongs to, by its ARN.

    Raises
    ------
    LookupError
        If no engine has such jobs.
    """
    return _first(lambda one: one.job_arns in job_arn, f"no engine makes jobs such as {job_arn}")


def of_model(model_arn: str) -> TrainingEngine:
    """The engine that has made a model, by its ARN.

    Raises
    ------
    LookupError
        If no engine has such models.
    """
    return _first(lambda one: one.model_arns in model_arn, f"no engine makes models such as {model_arn}")


def curves_of(aws: Aws, job: CompletedJob | None) -> Curves:
    """The curves of a job that has ended, from S3 or from its service's API; empty without a job.

    Raises
    ------
    ClientError
        If S3 refuses the call.
    """
    if job is None:
        return Curves()
    if job.output_uri:
        return curves.of_job(aws.s3, job)
    return of_job(job.job_arn).curves(aws, job.job_arn)


def _first(is_wanted: Callable[[TrainingEngine], bool], missing: str) -> TrainingEngine:
    for engine in every():
        if is_wanted(engine):
            return engine
    raise LookupError(missing)

"""The base models that Bedrock can customize: one TOML file a model in `models/`, no code to add one."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources

import msgspec

from tunedrop.catalog.model import BaseModel, MethodRules

__all__ = ["BaseModel", "MethodRules", "base_of", "find", "load"]


def base_of(model_arn: str) -> BaseModel | None:
    """The base of a custom model: its ARN names it (`…:custom-model/<base model>/<id>`)."""
    try:
        return find(model_arn.partition(":custom-model/")[2].rpartition("/")[0])
    except LookupError:
        return None


@cache
def load() -> dict[str, BaseModel]:
    """Every base model of the catalog, by the id that customization takes."""
    folder = resources.files(__name__) / "models"
    pages = sorted(
        (page for page in folder.iterdir() if page.name.endswith(".toml")), key=lambda page: page.name
    )
    models = [msgspec.convert(tomllib.loads(page.read_text("utf-8")), BaseModel) for page in pages]
    return {model.id: model for model in models}


def find(base_model: str) -> BaseModel:
    """The catalog's entry for a base model id, with or without its context-length suffix (`:128k`).

    Raises
    ------
    LookupError
        When the catalog does not know it; the message names the nearest id it does know.
    """
    models = load()
    if base_model in models:
        return models[base_model]
    for model in models.values():
        if base_model in (model.lifecycle_id, model.inference_id):
            return model
    near = difflib.get_close_matches(base_model, models, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise LookupError(f"base model {base_model!r} is not in the catalog{hint}")

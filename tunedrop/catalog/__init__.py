"""The base models that Bedrock can customize: one TOML file per model in `models/`, no code.

A file names the `families/` that it `inherits`, in order, and what differs: tables are merged, other values
replaced. `[dataset]` applies to every method unless `[methods.…]` overrides it; a method set to false is not
inherited.
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from tunedrop.catalog import tunable as _tunable
from tunedrop.catalog._engine import engines
from tunedrop.catalog._routes import needs, route
from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.refusals import refusal
from tunedrop.contracts import Method

__all__ = [
    "BaseModel",
    "MethodRules",
    "base_of",
    "engines",
    "entries",
    "find",
    "instead",
    "judges",
    "load",
    "nearest",
    "needs",
    "read",
    "refusal",
    "regions_of_engine",
    "route",
    "tunable",
]


def regions_of_engine(name: str) -> tuple[str, ...]:
    """The Regions in which an engine tunes any base model."""
    found = {
        region
        for model in load().values()
        for method in model.methods
        if model.engine_of(method) == name
        for region in model.regions_of(method)
    }
    return tuple(sorted(found))


def base_of(model_arn: str) -> BaseModel | None:
    """The base model in a custom model's ARN (`…:custom-model/<base model>/<id>`); None for other ARNs."""
    try:
        return find(model_arn.partition(":custom-model/")[2].rpartition("/")[0])
    except LookupError:
        return None


@cache
def load() -> dict[str, BaseModel]:
    """All base models of the catalog, by their id for customization."""
    return read(resources.files(__name__))


def read(folder: Traversable) -> dict[str, BaseModel]:
    """The base models of a folder with `models` and `families`."""
    families, models = (_documents(folder / name) for name in ("families", "models"))
    found = [_model(name, document, families) for name, document in models.items()]
    return {model.id: model for model in found}


def _documents(folder: Traversable) -> dict[str, dict[str, Any]]:
    pages = sorted(
        (page for page in folder.iterdir() if page.name.endswith(".toml")),
        key=lambda page: page.name.removesuffix(".toml"),
    )
    return {page.name.removesuffix(".toml"): tomllib.loads(page.read_text("utf-8")) for page in pages}


def _model(name: str, document: dict[str, Any], families: dict[str, dict[str, Any]]) -> BaseModel:
    whole = _with_inherited(document, families)
    shared = whole.pop("dataset", {})
    whole["methods"] = {
        method: _merged(shared, own) for method, own in whole.get("methods", {}).items() if own is not False
    }
    try:
        return msgspec.convert(whole, BaseModel)
    except msgspec.ValidationError as error:
        raise ValueError(f"catalog, {name}.toml: {error}") from error


def _with_inherited(document: dict[str, Any], families: dict[str, dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for family in document.get("inherits", []):
        whole = _merged(whole, _with_inherited(families[family], families))
    own = {key: value for key, value in document.items() if key != "inherits"}
    return _merged(whole, own)


def _merged(inherited: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(inherited[key], value)
        if isinstance(value, dict) and isinstance(inherited.get(key), dict)
        else value
        for key, value in own.items()
    }
    return inherited | both


def find(base_model: str) -> BaseModel:
    """The catalog's entry for a base model id, with or without its context-length suffix (`:128k`).

    Raises
    ------
    LookupError
        If the catalog does not contain it; the message names the closest that can be tuned today.
    """
    models = load()
    if base_model in models:
        return models[base_model]
    for model in models.values():
        if base_model and not model.variant_of and base_model in model.names:
            return model
    if (why := refusal(base_model)) is not None:
        raise LookupError(f"{base_model!r} cannot be tuned: {why.reason}. {why.nearest}")
    hint = "; ".join(_described(model) for model in nearest(base_model))
    raise LookupError(f"base model {base_model!r} is not in the catalog; {hint}. See all: tunedrop bases")


def entries(base_model: BaseModel) -> list[BaseModel]:
    """The entries of a base model, one per engine that trains it, the default first."""
    same = [one for one in load().values() if one.service_id == base_model.service_id]
    return sorted(same, key=lambda one: one.id != one.service_id)


def tunable(method: Method | None = None, region: str | None = None, on: str = "") -> list[BaseModel]:
    """The base models that can be tuned on a day (empty: today), according to the catalog."""
    return _tunable.tunable(load(), method=method, region=region, on=on)


def instead(model: BaseModel | None, method: Method | None = None, on: str = "", region: str = "") -> str:
    """An alternative to a base model that cannot be tuned, if possible in a Region; or why there is none."""
    return _tunable.instead(load(), model, method=method, region=region, on=on)


def judges(on: str = "") -> list[BaseModel]:
    """The models that a stage may have as its judge on a day (empty: today): active, with a price of tokens.

    Bedrock has other models that can judge; the catalog has only those that can be tuned.
    """
    return [
        one
        for one in load().values()
        if one.inference_id
        and not one.variant_of
        and one.prices.output_per_million_tokens is not None
        and not _tunable.why_closed(one.lifecycle, on)
    ]


def nearest(name: str, count: int = 3) -> list[BaseModel]:
    """The base models with similar names, those that can be tuned today first."""
    wanted = name.lower()
    models = sorted(load().values(), key=lambda one: bool(_tunable.obstacle(one)))
    words = {word: one for one in reversed(models) for word in _names(one)}
    named = [one for one in models if wanted in one.id or wanted in one.name.lower()]
    alike = [words[word] for word in difflib.get_close_matches(wanted, words, n=count, cutoff=0.3)]
    found = list({one.id: one for one in (*named, *alike)}.values())
    alive = {word: one for one in models if not _tunable.obstacle(one) for word in _names(one)}
    # For a name close to models that cannot be tuned, also name the closest that can.
    best = found[:count]
    if any(one in alive.values() for one in best):
        return best
    closest = difflib.get_close_matches(wanted, alive, n=1, cutoff=0.0)
    return [*best[: count - 1], *(alive[word] for word in closest)]


def _names(model: BaseModel) -> list[str]:
    return [one for one in (model.id, model.name.lower(), model.lifecycle_id, model.hub_content) if one]


def _described(model: BaseModel) -> str:
    closed = _tunable.obstacle(model)
    return f"{model.id} {closed}" if closed else f"{model.id} can be tuned in {' and '.join(model.regions)}"

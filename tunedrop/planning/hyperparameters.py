"""Resolves a manifest's hyperparameters to the strings of Bedrock's API, and expands searches."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Scalar

MAX_CANDIDATES = 4
"""The default maximum of candidates of a search, each of which is a complete training."""

MOST_CANDIDATES = 16


def resolve(
    base_model: BaseModel, method: Method | Literal["auto"], asked: Mapping[str, Scalar]
) -> dict[str, str]:
    """Hyperparameters by Bedrock's names, as strings for its API, with the catalog's defaults.

    Raises
    ------
    InvalidManifest
        If the base model has no such hyperparameter for the method, or it is out of range; the message lists
        all errors.
    """
    findings, values = [], {}
    offered = base_model.hyperparameters_of(method)
    for key, value in asked.items():
        name = key if key in offered else bedrocks_name(key)
        known = offered.get(name)
        if known is None:
            names = ", ".join(offered) or "none"
            findings.append(
                f"hyperparameters.{key}: {base_model.name} has no such hyperparameter; it has {names}"
            )
        elif refusal := known.refusal(value):
            findings.append(f"hyperparameters.{key}: {refusal} ({base_model.name})")
        else:
            values[name] = known.written(value)
    if findings:
        raise InvalidManifest("\n".join(findings))
    return {name: known.written(known.default) for name, known in offered.items()} | values


def candidates(
    base_model: BaseModel,
    method: Method | Literal["auto"],
    fixed: Mapping[str, Scalar],
    search: Mapping[str, Scalar | list[Scalar]],
) -> tuple[dict[str, str], ...]:
    """All combinations of a search's values with the fixed values; empty without a search.

    Raises
    ------
    InvalidManifest
        If a value is invalid, or there are more combinations than `max_candidates`.
    """
    if not search:
        return ()
    most = search.get("max_candidates", MAX_CANDIDATES)
    if isinstance(most, bool) or not isinstance(most, int) or not 2 <= most <= MOST_CANDIDATES:
        raise InvalidManifest(f"search.max_candidates is {most}; it must be from 2 to {MOST_CANDIDATES}")
    grid = {key: value for key, value in search.items() if key != "max_candidates"}
    if problems := list(_grid_problems(fixed, grid)):
        raise InvalidManifest("\n".join(problems))
    values = [value for value in grid.values() if isinstance(value, list)]
    count = math.prod(map(len, values))  # ten lists of a hundred values would exhaust any memory
    if not 2 <= count <= most:
        raise InvalidManifest(
            f"search has {count} candidates; 2 to {most} are allowed: each is billed. "
            f"Give {'more' if count < 2 else 'fewer'} values, or change search.max_candidates"
        )
    found = [
        resolve(base_model, method, {**fixed, **dict(zip(grid, one, strict=True))})
        for one in itertools.product(*values)
    ]
    if len({tuple(sorted(one.items())) for one in found}) < len(found):
        raise InvalidManifest("search: two candidates are the same; give each value once")
    return tuple(found)


def _grid_problems(fixed: Mapping[str, Scalar], grid: Mapping[str, Scalar | list[Scalar]]) -> Iterator[str]:
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            yield f"search.{key}: give a list of values, such as [1e-5, 5e-5]"
        elif key in fixed:
            yield f"search.{key}: hyperparameters.{key} fixes it already; keep one of the two"


def bedrocks_name(key: str) -> str:
    """`learning_rate` in Bedrock's spelling: `learningRate`."""
    head, *rest = key.split("_")
    return head + "".join(word.capitalize() for word in rest)


def manifests_name(name: str) -> str:
    """`learningRate` in the spelling of manifests: `learning_rate`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()

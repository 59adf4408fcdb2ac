"""Hyperparameters: from a manifest's names and numbers to the strings that Bedrock takes; grids of them."""

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
"""How many candidates a search has unless it says otherwise: each costs a whole training."""

MOST_CANDIDATES = 16


def resolve(
    base_model: BaseModel, method: Method | Literal["auto"], asked: Mapping[str, Scalar]
) -> dict[str, str]:
    """Hyperparameters under Bedrock's names, as the strings that its API takes, with the catalog's defaults.

    Raises
    ------
    InvalidManifest
        When the base model has no such one for the method, or it is out of range; the message lists all.
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
    """Every combination of a search's values, each with the values that are fixed; none without a search.

    Raises
    ------
    InvalidManifest
        When a value is wrong, or there are more combinations than `max_candidates`.
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
    count = math.prod(map(len, values))  # ten lists of a hundred values are more than any memory holds
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
    """`learning_rate` as Bedrock spells it: `learningRate`."""
    head, *rest = key.split("_")
    return head + "".join(word.capitalize() for word in rest)


def manifests_name(name: str) -> str:
    """`learningRate` as manifests write it: `learning_rate`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()

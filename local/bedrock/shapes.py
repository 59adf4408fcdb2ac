"""Validates requests and responses against AWS's service models, of which botocore's client checks a part.

botocore refuses unknown and missing members; patterns, lengths, ranges and enums are checked by AWS alone.
The models are botocore's own files. No import of the emulator: the local stage's functions use this too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any


def problems(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """What is wrong with a value, in the words of AWS's own validation errors.

    Parameters
    ----------
    shape
        botocore's shape of the value.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{path}{name}' failed to satisfy constraint: Member must not be null"
        for name, item in value.items():
            if name in shape.members and item is not None and not isinstance(item, bytes):
                yield from problems(shape.members[name], item, f"{path}{name}.")
    elif kind == "list" and isinstance(value, list):
        if value or shape.name not in MAY_BE_EMPTY:
            yield from _length(shape, len(value), path, value)
        for index, item in enumerate(value):
            yield from problems(shape.member, item, f"{path}{index + 1}.")
    elif kind == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield from problems(shape.value, item, f"{path}{key}.")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in ("integer", "float", "long", "double") and isinstance(value, int | float):
        yield from _length(shape, value, path, value, "value")


MAY_BE_EMPTY = ("EvaluationSummaries",)
"""Lists that by their model have entries, and are empty in an account without any."""

_BESIDE_ENUM = {"EvaluationTaskType": ("General",)}
"""Values that the service accepts and requires but its model does not list (see `judge_jobs.TASK`)."""


def _string(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must be a string"
        return
    yield from _length(shape, len(value), path, value)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield (
            f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must satisfy "
            f"regular expression pattern: {pattern}"
        )
    if shape.enum and value not in (*shape.enum, *_BESIDE_ENUM.get(shape.name, ())):
        yield (
            f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{', '.join(shape.enum)}]"
        )


def _length(shape: Any, size: float, path: str, value: Any, what: str = "length") -> Iterator[str]:
    limits = shape.metadata
    where = f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: Member must have {what}"
    if "min" in limits and size < limits["min"]:
        yield f"{where} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"{where} less than or equal to {limits['max']}"


_UNICODE = {
    r"\p{Alnum}": "A-Za-z0-9", r"\p{L}": r"\w", r"\p{M}": "", r"\p{N}": r"\d", r"\p{Z}": r"\s",
    r"\p{S}": r"$+<=>^`|~", r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}",
}  # fmt: skip
"""Java's character classes, which Python's patterns do not have: near enough, and never narrower."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _UNICODE.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def unknown(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """The members of a value that its shape does not have."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, item in value.items():
            if name not in shape.members:
                yield f"{path}{name} is not a member of {shape.name}"
            else:
                yield from unknown(shape.members[name], item, f"{path}{name}.")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from unknown(shape.member, item, path)

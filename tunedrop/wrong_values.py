"""msgspec's validation messages in words, for people who write JSON or YAML."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

_WORDS = {
    "str": "a string", "int": "a whole number", "float": "a number", "bool": "true or false",
    "array": "a list", "object": "an object with keys", "null": "null",
}  # fmt: skip
_SIGNS = {">=": "at least", "<=": "at most", ">": "greater than", "<": "less than"}


def in_words(message: str, shape: Any) -> str:
    """A message without its path in words: "Expected `int`" as "expected a whole number".

    Parameters
    ----------
    shape
        The type that a value was converted to. Where it has a pattern, its description is what is expected.
    """
    for pattern, description in patterns(shape):
        message = message.replace(f"`str` matching regex {pattern!r}", description)
    message = re.sub(r"`([a-z |]+)`", lambda found: _types(found[1]), message)
    message = re.sub(
        r" of length ([<>]=?) (\d+)$", lambda found: f" with {_SIGNS[found[1]]} {found[2]} in it", message
    )
    message = re.sub(r" ([<>]=?) (-?\d+)(?:\.0)?$", _bound, message)
    return message[:1].lower() + message[1:]


def not_among(value: Any, shape: Any) -> str:
    """That a string is none of those that a key takes, and what was probably meant; empty for other types."""
    if isinstance(value, Mapping) and get_origin(shape) is dict:
        found = ((key, not_among(one, get_args(shape)[1])) for key, one in value.items())
        return next((f"{key}: {what}" for key, what in found if what), "")
    literals = [part for part in (shape, *get_args(shape)) if get_origin(part) is Literal]
    known = [one for literal in literals for one in get_args(literal)]
    if not known or not isinstance(value, str):
        return ""
    near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}"
    return f"{value} is unknown; {hint}"


def patterns(shape: Any) -> Iterator[tuple[str, str]]:
    """The patterns of a type and all its parts, each with its description."""
    if get_origin(shape) is Annotated:
        for meta in get_args(shape)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.pattern is not None and meta.description is not None:
                yield meta.pattern, meta.description
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        parts = tuple(field.type for field in msgspec.structs.fields(shape))
    elif get_origin(shape) in (Annotated, Union, types.UnionType, tuple, list, dict):
        parts = get_args(shape)
    else:
        return
    for part in parts:
        yield from patterns(part)


def _bound(found: re.Match[str]) -> str:
    of = " of" if found[1].endswith("=") else ""
    return f"{of} {_SIGNS[found[1]]} {found[2]}"


def _types(names: str) -> str:
    return " or ".join(_WORDS.get(one, one) for one in names.split(" | "))

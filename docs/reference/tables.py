"""Structs, types and defaults as Markdown: what the pages of the reference are made of."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from tunedrop.schemas.docstrings import attributes, prose

Struct = type[msgspec.Struct]


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, a blank line after it."""
    lines = [headers, ["---"] * len(headers), *rows]
    return [*(f"| {' | '.join(cell(one) for one in line)} |" for line in lines), ""]


def cell(text: str) -> str:
    """Text that a cell of a table can hold: on one line, its bars escaped but for those in code."""
    return re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or "\\|", re.sub(r"\s+", " ", text).strip())


def page(*parts: str | Iterable[str]) -> str:
    """Lines and paragraphs put together."""
    lines = [line for part in parts for line in ([part, ""] if isinstance(part, str) else part)]
    return "\n".join(lines).rstrip() + "\n"


def fields(shape: Struct, skip: Iterable[str] = ()) -> list[str]:
    """A struct's fields as a table: name, type, default, and the description where there is one."""
    described = attributes(shape)
    rows = [
        (f"`{one.encode_name}`", type_of(one.type), default_of(one), described.get(one.name, ""))
        for one in msgspec.structs.fields(shape)
        if one.name not in skip
    ]
    if not any(row[3] for row in rows):
        return table(("key", "type", "default"), (row[:3] for row in rows))
    return table(("key", "type", "default", "what it means"), rows)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """A field's default as it would be written in JSON; what has none is required."""
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "**required**"
    if isinstance(value, msgspec.Struct):
        return "see below"
    if value is None or value in ("", (), {}, []):
        return "none"
    return f"`{msgspec.json.encode(value).decode()}`"


def type_of(kind: Any) -> str:
    """A type in words for a person: `string`, `number > 0`, `"a" or "b"`."""
    if get_origin(kind) is Annotated:
        base, *marks = get_args(kind)
        limits = [_limits(one) for one in marks if isinstance(one, msgspec.Meta)]
        return " ".join((type_of(base), *(one for one in limits if one))).replace(" :", ":")
    if get_origin(kind) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(kind))
    if isinstance(kind, types.UnionType) or get_origin(kind) is typing.Union:
        return " or ".join(type_of(one) for one in get_args(kind) if one is not type(None))
    if get_origin(kind) in (tuple, list):
        return f"list of {type_of(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"{type_of(get_args(kind)[1])} by name"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))


_WORDS = {str: "string", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}


def _limits(meta: msgspec.Meta) -> str:
    if meta.pattern is not None:
        return f": {meta.description}" if meta.description else f"matching `{meta.pattern}`"
    signs = (("&gt;", meta.gt), ("≥", meta.ge), ("&lt;", meta.lt), ("≤", meta.le))
    return " and ".join(f"{sign} {value:g}" for sign, value in signs if value is not None)


def shape(one: Struct, level: int = 2) -> list[str]:
    """A struct under a heading of its own: what it is, and its fields."""
    return [f"{'#' * level} {one.__name__}", "", prose(one), "", *fields(one)]

"""Converts the cells of a table to JSON values."""

from __future__ import annotations

import datetime
from typing import Any

from tunedrop.dataset.formats import names, tools

JSON_COLUMNS = frozenset(
    ("messages", "conversations", "conversation", "contents", "tools", "toolconfig", "chosen", "rejected")
)


def plain(cell: Any, key: str = "") -> Any:
    """A cell as a JSON value: lists and objects stay, JSON in a column of lists is decoded, everything else
    becomes text."""
    if cell == _NULL:
        return ""
    if isinstance(cell, str):
        return _structure(cell) if names.plain(key) in JSON_COLUMNS else cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


_NULL = r"\N"
"""The NULL values of MySQL, PostgreSQL, Hive and Snowflake."""


def _structure(text: str) -> Any:
    """The list or object in a cell, in JSON or Python notation; else the text."""
    if text.lstrip().startswith(('"[', '"{')) and isinstance(inside := tools.printed(text), str):
        text = inside
    if not text.lstrip().startswith(("[", "{")):
        return text
    return tools.printed(text)

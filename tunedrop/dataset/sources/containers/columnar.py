"""Parquet and Arrow files, a batch of rows at a time."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import tables
from tunedrop.dataset.sources.containers.kinds import Kind

BATCH = 256
"""Rows that are in memory at once."""


def read(kind: Kind, file: BinaryIO, wanted: Mapping[str, str]) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each row, its columns under their names.

    Raises
    ------
    NotReadable
        When the file is damaged, or lacks a column that was asked for.
    """
    import arro3.io

    file.seek(0)
    is_stream = file.read(4) == b"\xff" * 4
    file.seek(0)
    number = 0
    try:
        if kind == "parquet":
            batches = arro3.io.read_parquet(file, batch_size=BATCH)
        else:
            batches = arro3.io.read_ipc_stream(file) if is_stream else arro3.io.read_ipc(file)
        keys = _keys(list(batches.schema.names), wanted)
        for batch in batches:
            for row in iter(batch.to_struct_array()):
                number += 1
                record = row.as_py()
                yield (
                    number,
                    tables.encoded({keys[name]: _cell(keys[name], one) for name, one in record.items()}),
                )
    except (NotReadable, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # arro3 panics where files are damaged
        name = "Parquet" if kind == "parquet" else "Arrow"
        raise NotReadable(f"the {name} file is damaged after row {number:,}: {_first_line(error)}") from error


def _keys(names: list[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The key in a record of each column."""
    try:
        return dict(zip(names, tables.columns([names], wanted).keys, strict=True))
    except NotReadable:
        if wanted:
            raise
    return {name: name for name in names}  # shapes may know them


def _cell(key: str, value: Any) -> Any:
    """A value under its key; a label that is a number is a text, as in any other table."""
    found = _plain(value)
    return tables.plain(found) if key in tables.PARTS and isinstance(found, int | float) else found


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return _text_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if value and all(
            isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str) for one in value
        ):
            return {key: _plain(one) for key, one in value}  # a map
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _text_of(value: bytes) -> str:
    """Old writers store texts as bytes; other bytes are written in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__

"""Reads Parquet and Arrow files, a batch of rows at a time."""

from __future__ import annotations

import base64
import datetime
import io
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import cell_values, tables
from tunedrop.dataset.sources.containers.kinds import Kind

BATCH = 256
"""Maximum number of rows in memory."""
MOST_IN_A_BATCH = 32 << 20
"""Maximum number of characters of a batch, estimated from the first row."""


def read(
    kind: Kind, file: BinaryIO, wanted: Mapping[str, str], most: int = BATCH
) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each row, with its columns under their names.

    Parameters
    ----------
    most
        Maximum number of rows in memory.

    Raises
    ------
    NotReadable
        If the file is damaged, or lacks a column that was asked for.
    """
    number = 0
    try:
        batches = _batches(kind, file, most)
        names = list(batches.schema.names)
        if twice := next((one for one in names if names.count(one) > 1), ""):
            raise NotReadable(f"{names.count(twice)} columns are named {twice!r}; rename all but one")
        keys, classes = _keys(names, wanted), _class_names(batches.schema.metadata)
        for batch in batches:
            for row in iter(batch.to_struct_array()):
                number += 1
                record = {
                    keys[name]: _cell(keys[name], _named(one, classes.get(name, [])))
                    for name, one in row.as_py().items()
                }
                yield number, tables.encoded(record)
    except (NotReadable, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # arro3 panics if a file is damaged
        name = "Parquet" if kind == "parquet" else "Arrow"
        if "not yet implemented" in str(error):
            why = "has a column of a type that cannot be read; write it as text, or leave it out"
            raise NotReadable(f"the {name} file {why}") from error
        raise NotReadable(f"the {name} file is damaged after row {number:,}: {_first_line(error)}") from error


def _batches(kind: Kind, file: BinaryIO, most: int) -> Any:
    """The rows of a file in batches, which are smaller for long rows."""
    import arro3.io

    file.seek(0)
    if kind != "parquet":
        is_stream = file.read(4) == b"\xff" * 4
        file.seek(0)
        return arro3.io.read_ipc_stream(file) if is_stream else arro3.io.read_ipc(file)
    _check_footer(file)
    first = next(iter(arro3.io.read_parquet(file, batch_size=1)), None)
    longest = max((len(str(row.as_py())) for row in iter(first.to_struct_array())), default=0) if first else 0
    file.seek(0)
    return arro3.io.read_parquet(file, batch_size=max(1, min(most, MOST_IN_A_BATCH // max(1, longest))))


_FOOTER = 8
"""The last bytes of a Parquet file: the length of its footer, and a mark."""


def _check_footer(file: BinaryIO) -> None:
    """Check that a file was not truncated: Parquet ends with its footer, the length of the footer, and a
    mark.

    Raises
    ------
    NotReadable
        If it ends differently.
    """
    size = file.seek(0, io.SEEK_END)
    if size >= 2 * _FOOTER:
        file.seek(-_FOOTER, io.SEEK_END)
        length, mark = file.read(4), file.read(4)
        file.seek(0)
        if mark == b"PAR1" and int.from_bytes(length, "little") <= size - _FOOTER:
            return
    raise NotReadable("the Parquet file ends too early; download or upload it again")


def _class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """The class names of numbered columns, as Hugging Face's datasets describe them."""
    try:
        described = msgspec.json.decode((metadata or {}).get(b"huggingface", b"{}"))
        features = described["info"]["features"]
        return {
            name: one["names"]
            for name, one in features.items()
            if isinstance(one, dict) and isinstance(one.get("names"), list)
        }
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return {}


def _named(value: Any, classes: list[str]) -> Any:
    """The class name of a number; other values unchanged."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return classes[value] if is_number and 0 <= value < len(classes) else value


def _keys(names: list[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The key in a record of each column."""
    try:
        return dict(zip(names, tables.columns([names], wanted).keys, strict=True))
    except NotReadable:
        if wanted:
            raise
    return {name: name for name in names}  # formats may know these names


def _cell(key: str, value: Any) -> Any:
    """A value under its key; numeric and boolean labels become text, as in any other table."""
    found = _plain(value)
    if isinstance(found, bool):
        return str(found).lower() if key in tables.PARTS else found
    return cell_values.plain(found) if key in tables.PARTS and isinstance(found, int | float) else found


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
    """Decode the texts that old writers store as bytes; other bytes are written in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _first_line(error: BaseException) -> str:
    said = str(error).strip().partition("\n")[0]
    inner = _PANIC.search(said)
    return (inner[1] if inner else said)[:200] or type(error).__name__


_PANIC = re.compile(r'an `Err` value: \w+\("(.*)"\)')
"""The text of an uncaught error in Rust."""

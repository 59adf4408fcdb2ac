"""Reads texts with one record per line: plain, in JSON strings, or with renamed keys."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TextIO

import msgspec

from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.containers import json_values, tables


def lines(text: TextIO) -> Iterator[tuple[int, bytes]]:
    """Lines of JSON in another encoding."""
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield number, _encoded(line)


def strings(text: TextIO) -> Iterator[tuple[int, bytes]]:
    """The records in JSON strings: one per line, or a single string for the whole file."""
    for number, line in enumerate(text, start=1):
        inner = json_values.unquoted(line)
        if inner is not None:
            for _, value in json_values.values(io.StringIO(inner)):
                yield number, value
        elif line.strip():
            yield number, _encoded(line)


def _encoded(line: str) -> bytes:
    try:
        return line.strip("\r\n").encode()
    except UnicodeEncodeError:
        return unreadable.written(
            "TD002", "the line contains bytes that are invalid in its encoding; use --encoding NAME"
        )


def renamed(line: bytes, columns: Mapping[str, str]) -> bytes:
    """A record whose keys, as named by the user, are renamed to ours."""
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return line
    names = {name: part for part, name in columns.items()}
    if not isinstance(record, dict) or not names.keys() & record.keys():
        return line
    renamed = {names.get(key) or tables.unnamed(key, names.values()): value for key, value in record.items()}
    return tables.encoded(renamed)

"""Records from delimited text (CSV, TSV) with named columns, as if they had been JSON lines."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

MAX_CELL = 10 * 1024 * 1024

_KNOWN = {
    "prompt": ("prompt", "question", "input", "instruction", "user", "query"),
    "completion": ("completion", "answer", "output", "response", "assistant", "label"),
    "system": ("system",),
}
"""What columns are called, most often; the first that is there counts."""


class Columns(msgspec.Struct, frozen=True):
    """Which columns hold the prompt, the answer, and a system text if there is one."""

    prompt: str
    completion: str
    system: str = ""


class NoSuchColumn(Exception):
    """The file lacks a column that was asked for, or none of its columns could be told to be one."""


def columns(header: list[str], asked: Mapping[str, str]) -> Columns:
    """The columns of a file: those that were asked for, else those with a usual name.

    Raises
    ------
    NoSuchColumn
        When a column is missing; the message names those that are there.
    """
    by_name = {name.strip().lower(): name for name in reversed(header)}
    found: dict[str, str] = {}
    for part, usual in _KNOWN.items():
        wanted = asked.get(part)
        names = [wanted.strip().lower()] if wanted else usual
        match = next((by_name[name] for name in names if name in by_name), None)
        if match is None and (wanted or part != "system"):
            there = ", ".join(header) or "none"
            raise NoSuchColumn(
                f"no column {wanted or part!r}; the columns are {there}: say which one it is with "
                f"--column {part}=NAME"
            )
        found[part] = match or ""
    return Columns(**found)


def read(
    chunks: Iterable[bytes], asked: Mapping[str, str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, Any], list[str]]]:
    """(line, record, names of the columns that were left out) of each row; `line` is where the row ends.

    Raises
    ------
    NoSuchColumn
        When the header lacks what is asked for.
    UnicodeDecodeError
        When the file is not UTF-8.
    csv.Error
        When the file is no delimited text.
    """
    csv.field_size_limit(MAX_CELL)
    lines = _lines(chunks)
    first = next(lines, "")
    if delimiter == "," and "," not in first and ";" in first:  # where the comma is for decimals
        delimiter = ";"
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header = next(reader, [])
    named = columns(header, asked)
    places = {part: header.index(name) for part, name in msgspec.structs.asdict(named).items() if name}
    left_out = [name for place, name in enumerate(header) if place not in places.values()]
    for row in reader:
        if row:
            cells = {part: row[place] if place < len(row) else "" for part, place in places.items()}
            yield reader.line_num, _record(cells), left_out


def _record(cells: Mapping[str, str]) -> dict[str, Any]:
    if not cells.get("system"):
        return {"prompt": cells["prompt"], "completion": cells["completion"]}
    turns = (("system", "system"), ("user", "prompt"), ("assistant", "completion"))
    return {"messages": [{"role": role, "content": cells[part]} for role, part in turns]}


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines with their ends, as the csv module wants them."""
    decoder, parts, length = codecs.getincrementaldecoder("utf-8-sig")(), list[str](), 0
    for chunk in chunks:
        *whole, rest = decoder.decode(chunk).split("\n")
        for line in whole:
            yield "".join([*parts, line, "\n"])
            parts, length = [], 0
        parts.append(rest)
        length += len(rest)
        if length > MAX_CELL:
            raise csv.Error(f"a line is longer than {MAX_CELL:,} characters")
    parts.append(decoder.decode(b"", final=True))
    if last := "".join(parts):
        yield last

"""Lines of a JSONL file from chunks of bytes: every line is read, whatever is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

MAX_LINE_BYTES = 10 * 1024 * 1024
"""Longer lines are not read: no base model takes a record of a million tokens."""

_NESTED = frozenset({dict, list})

_BOM = b"\xef\xbb\xbf"
_NOT_TEXT: dict[bytes, str] = {
    b"\x1f\x8b": "the file is compressed with gzip; decompress it: gunzip",
    b"PAR1": "the file is Parquet; export it as JSON lines",
    b"PK\x03\x04": "the file is a ZIP archive or a spreadsheet; export it as JSON lines",
    b"\xff\xfe": "the file is UTF-16; save it as UTF-8",
    b"\xfe\xff": "the file is UTF-16; save it as UTF-8",
}


class Line(msgspec.Struct, frozen=True):
    """One line: its record, or (code, message) of what is wrong with it. `size` is in bytes with its end."""

    number: int
    size: int
    record: dict[str, Any]
    problem: tuple[str, str] | None = None


def read(chunks: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a file; ends early only where the file is no text at all."""
    for number, raw in enumerate(_split(chunks), start=1):
        size, text = len(raw), raw.rstrip(b"\r\n")
        if number == 1:
            kind = next((message for start, message in _NOT_TEXT.items() if raw.startswith(start)), None)
            if kind is not None:
                yield Line(1, size, {}, ("TD005", kind))
                return
            if text.startswith(_BOM):
                message = "the file begins with a byte-order mark; save it as UTF-8 without BOM"
                yield Line(1, 0, {}, ("TD002", message))
                text = text.removeprefix(_BOM)
            if text.lstrip().startswith(b"["):
                yield Line(
                    1, size, {}, ("TD005", "this is a JSON array; write one object a line, without [ and ]")
                )
                return
        yield _line(number, size, text)


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines; of a line that is too long, only its beginning is kept."""
    pending, skipping = b"", False
    for chunk in chunks:
        *whole, rest = (pending + chunk).split(b"\n")
        for part in whole:
            if not skipping:
                yield part + b"\n"
            skipping = False
        pending = rest
        if len(pending) > MAX_LINE_BYTES:
            if not skipping:
                yield pending[: MAX_LINE_BYTES + 1]
            pending, skipping = b"", True
    if pending and not skipping:
        yield pending


def _line(number: int, size: int, text: bytes) -> Line:
    if not text.strip():
        return Line(number, size, {}, ("TD003", "the line is blank; remove it"))
    if len(text) > MAX_LINE_BYTES:
        return Line(number, size, {}, ("TD031", f"the line is longer than {MAX_LINE_BYTES:,} bytes"))
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Line(number, size, {}, _why(text, error))
    if not isinstance(record, dict):
        return Line(number, size, {}, ("TD001", f"a line is one JSON object, not a {type(record).__name__}"))
    twice = _key_named_twice(text) if text.count(b'":') > _keys(record) else None
    if twice is not None:
        return Line(number, size, {}, ("TD004", f"the key {twice} is there twice; only one can count"))
    return Line(number, size, record)


def _keys(value: Any) -> int:
    """How many keys all objects of a value have."""
    if type(value) is dict:
        return len(value) + sum([_keys(one) for one in value.values() if type(one) in _NESTED])
    return sum([_keys(one) for one in value if type(one) in _NESTED])


def _why(text: bytes, error: Exception) -> tuple[str, str]:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as bad:
        return "TD002", f"byte {bad.start + 1} of the line is not UTF-8; save the file as UTF-8"
    if text.strip() in (b"{", b"}", b"},"):
        return "TD005", "a record stretches over several lines; write each on one line"
    return "TD001", f"not valid JSON: {error or 'nested too deeply'}"


def _key_named_twice(text: bytes) -> str | None:
    """The first key that an object of this line names twice; None when there is none."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)
        return dict(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None

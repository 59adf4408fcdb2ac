"""Reads the lines of a JSONL file: every line, whatever is wrong with it.

A file can be read in ranges of bytes; a line belongs to the range in which it begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tunedrop.dataset.formats import not_json, unreadable
from tunedrop.dataset.formats.not_json import BOM, RETURN, Problem, relaxed
from tunedrop.dataset.types import CHUNK, Source

__all__ = ["BOM", "MAX_LINE_BYTES", "RETURN", "Block", "Line", "Problem", "relaxed"]

MAX_LINE_BYTES = 4 * 1024 * 1024
"""Longer lines are not read: no base model accepts a record of 700,000 tokens, and decoded JSON can take 25
times its size in memory."""

HEAD_BYTES = 1 << 16
UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
UNMARKED_UTF_16 = {b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"}
"""The first bytes of JSON in UTF-16 without a byte-order mark."""
UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
"""Tested before the marks of UTF-16, one of which has the same beginning."""
UTF_32_PROBLEM = "the file is UTF-32; save it as UTF-8"
_UTF_16_PROBLEM = "the file is UTF-16; tunedrop check --fix writes it as UTF-8"
_WEB_PAGE = "this is a web page, not a dataset: the download failed"
_NOT_TEXT: dict[bytes, str] = {
    b"\x1f\x8b": "the file is compressed with gzip; tunedrop check --fix decompresses it",
    b"BZh": "the file is compressed with bzip2; decompress it: bunzip2",
    b"\xfd7zXZ": "the file is compressed with xz; decompress it: unxz",
    b"\x28\xb5\x2f\xfd": "the file is compressed with zstd; decompress it: unzstd",
    b"PAR1": "the file is Parquet; export it as JSON lines",
    b"ARROW1": "the file is Arrow; export it as JSON lines",
    b"PK\x03\x04": "the file is a ZIP archive or a spreadsheet; export it as JSON lines",
    **dict.fromkeys(UTF_32, UTF_32_PROBLEM),
    **dict.fromkeys((*UTF_16, *UNMARKED_UTF_16), _UTF_16_PROBLEM),
    b"<!": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"version https://git-lfs": "this is a pointer of Git LFS; fetch the file itself: git lfs pull",
}


class Line(msgspec.Struct, frozen=True):
    """One line: its record, or (code, message) of its problem."""

    number: int
    record: dict[str, Any]
    problem: Problem | None = None


class Block(msgspec.Struct, frozen=True):
    """Consecutive complete lines: their first byte's position, and their bytes.

    A line that is too long is a block of its own, and only its beginning is kept.
    """

    start: int
    body: bytes


def another_kind(head: bytes) -> Problem | None:
    """What the file is, if its beginning shows that it is not JSON lines at all; else None."""
    for start, message in _NOT_TEXT.items():
        if head.startswith(start):
            return "TD005", message
    text = head.removeprefix(BOM).lstrip()
    first, fed, rest = text.partition(b"\n")
    if unreadable.read(first) is not None:
        return None
    if not fed and RETURN.search(first):
        return "TD005", not_json.RETURNS
    if first.startswith(b"["):
        return "TD005", "this is a JSON array; tunedrop check --fix writes one object per line"
    if first.strip() == b"{" and rest.lstrip()[:1] in (b'"', b"}"):
        return "TD005", not_json.STRETCHED
    if _is_table(text):
        return (
            "TD005",
            "this is a table (CSV); rename it to .csv, and tunedrop convert turns its rows into records",
        )
    return None


def _is_table(text: bytes) -> bool:
    """Whether no line of the beginning is JSON, and the first looks like a header row."""
    rows = [row.strip() for row in text.split(b"\n")[:5] if row.strip()]
    if len(rows) < 2 or any(row[:1] in b"{[" for row in rows):
        return False
    quote = b'"' if rows[0].startswith(b'"') else b""
    return any(quote + separator in rows[0] for separator in (b"\t", b",", b";"))


def has_bom(head: bytes) -> bool:
    """Whether the file begins with a byte-order mark."""
    return head.startswith(BOM)


BOM_PROBLEM: Problem = ("TD002", "the file begins with a byte-order mark; save it as UTF-8 without BOM")


def head(source: Source) -> bytes:
    """The beginning of a file, enough to detect its type."""
    return b"".join(source.chunks(0, min(HEAD_BYTES, source.size)))


def blocks(source: Source, start: int, stop: int) -> Iterator[Block]:
    """The lines that begin from start to before stop, in blocks of about `CHUNK`."""
    begin, pending = start, bytearray()
    skipping = start > 0  # find where a line begins: the previous byte may end one
    for at, chunk in _onwards(source, start - 1 if skipping else 0, stop):
        place = 0
        if skipping:
            place = chunk.find(b"\n") + 1
            begin = at + place
            if not place:
                continue
            if begin >= stop:
                return
            skipping = False
        end = chunk.find(b"\n", max(place, stop - 1 - at)) + 1 if at + len(chunk) >= stop else 0
        cut = end or chunk.rfind(b"\n", place) + 1
        if cut:
            whole = not pending and place == 0 and cut == len(chunk)
            yield Block(begin, chunk if whole else b"".join((pending, memoryview(chunk)[place:cut])))
            if end:
                return
            begin = at + cut
            pending.clear()
        pending += memoryview(chunk)[cut or place :]
        if len(pending) > MAX_LINE_BYTES + len(BOM):
            yield Block(begin, bytes(pending[: MAX_LINE_BYTES + len(BOM) + 1]))
            pending.clear()
            skipping = True
    if pending:
        yield Block(begin, bytes(pending))


def lines_of(source: Source, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The lines that begin in a range, without their ends."""
    for block in blocks(source, start, source.size if stop is None else stop):
        yield from split(body_of(block))


def body_of(block: Block) -> bytes:
    """The lines of a block, without a byte-order mark."""
    return block.body if block.start else block.body.removeprefix(BOM)


def split(body: bytes) -> list[bytes]:
    """Lines without their ends."""
    found = body.split(b"\n")
    if len(found) > 1 and not found[-1]:
        found.pop()
    return found


def _onwards(source: Source, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """(position, chunk) from `start` on, beyond `stop` if the reader continues to the end of its last
    line."""
    place = start
    while place < source.size:
        until = stop if place < stop else min(place + CHUNK, source.size)
        before = place
        for chunk in source.chunks(place, until):
            yield place, chunk
            place += len(chunk)
        if place == before:
            return


def read(chunks: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a whole file."""
    for number, raw in raw_lines(chunks):
        yield parse(number, raw)


def raw_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of each line without its line end; only the beginning of a line that is too long."""
    pending, number = bytearray(), 0
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        pending += first[: MAX_LINE_BYTES + 1 - len(pending)]
        if rest:
            for raw in [bytes(pending), *rest[:-1]]:
                number += 1
                yield number, raw
            pending = bytearray(rest[-1][: MAX_LINE_BYTES + 1])
    if pending:
        yield number + 1, bytes(pending)


def parse(number: int, raw: bytes) -> Line:
    """One line, without its end."""
    if len(raw) > MAX_LINE_BYTES:
        return Line(number, {}, ("TD031", f"the line is longer than {MAX_LINE_BYTES:,} bytes"))
    text = raw.rstrip(b"\r\n")
    if (unread := unreadable.read(text)) is not None:
        return Line(number, {}, unread)
    if not text.strip():
        return Line(number, {}, ("TD003", "the line is blank; remove it"))
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Line(number, {}, not_json.why(text, error))
    if not_json.is_too_deep(text):
        return Line(number, {}, not_json.TOO_DEEP)
    if not isinstance(record, dict):
        return Line(number, {}, ("TD001", f"a line must be one JSON object, not {_KINDS[type(record)]}"))
    twice = _key_named_twice(text) if _may_name_twice(text, record) else None
    if twice is not None:
        return Line(number, {}, ("TD004", f"the key {twice} is duplicated; keep one"))
    return Line(number, record)


_KINDS = {
    str: "a string",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _may_name_twice(text: bytes, record: dict[str, Any]) -> bool:
    """Whether keys were probably lost in decoding: the encoded record has fewer of them."""
    try:
        again = msgspec.json.encode(record)
    except OverflowError:  # for a number beyond 64 bits
        return True
    return text.count(b'":') != again.count(b'":') or _SPACED_KEY.search(text) is not None


_SPACED_KEY = re.compile(rb'"[ \t\r]+:')


def _key_named_twice(text: bytes) -> str | None:
    """The first duplicate key of an object in this line; None if there is none."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        once = dict(pairs)
        if len(once) < len(pairs):
            seen: set[str] = set()
            found.extend(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return once

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None

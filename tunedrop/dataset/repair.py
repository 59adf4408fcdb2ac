"""Repairing a dataset where it can be done without guessing; every change is listed, the original stays.

Byte-order marks, blank lines, carriage returns, arrays and pretty-printed objects, chat messages with plain
text where Bedrock wants content blocks, a missing schemaVersion, exact duplicates. What a record says is
never changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from tunedrop.dataset import formats, rules
from tunedrop.dataset.formats import SCHEMA_VERSION

MAX_WHOLE_BYTES = 256 << 20
"""A file that is not one object a line has to be read whole."""

_BOM = b"\xef\xbb\xbf"


class Change(msgspec.Struct, frozen=True):
    """What was done, and where: a line of the original, or 0 for the whole file."""

    line: int
    what: str


class NotRepairable(Exception):
    """The file is no JSON at all, or too big to be read whole."""


def repair(chunks: Iterable[bytes], sink: BinaryIO) -> Iterator[Change]:
    """Write the repaired dataset; gives each change as it is made.

    Raises
    ------
    NotRepairable
        When the file is not one object a line and cannot be read as JSON otherwise.
    """
    seen: set[bytes] = set()
    for line, record in _records(chunks):
        if isinstance(record, Change):
            yield record
            continue
        if isinstance(record, bytes):
            sink.write(record + b"\n")  # not JSON: left as it is, for `check` to say why
            continue
        repaired, what = _repaired(record)
        if what:
            yield Change(line, what)
        text = msgspec.json.encode(repaired)
        digest = hashlib.blake2b(text, digest_size=12).digest()
        if digest in seen:
            yield Change(line, "an exact duplicate was left out")
            continue
        seen.add(digest)
        sink.write(text + b"\n")


def _records(chunks: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """(line, record) of the file; a record is bytes where it is no JSON, and a Change between records."""
    stream = iter(chunks)
    first = next(stream, b"")
    if first.startswith(_BOM):
        yield 1, Change(1, "the byte-order mark was removed")
        first = first.removeprefix(_BOM)
    if _is_one_object_a_line(first):
        yield from _lines(_chain(first, stream))
    else:
        yield 0, Change(0, "an array or pretty-printed objects were written one object a line")
        yield from _whole(_chain(first, stream))


def _is_one_object_a_line(first: bytes) -> bool:
    start = first.lstrip()
    if start.startswith(b"["):
        return False
    line = start.partition(b"\n")[0].strip()
    return not (start.startswith(b"{") and not line.endswith(b"}"))


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    pending, number, returns = b"", 0, False
    for chunk in chunks:
        *whole, pending = (pending + chunk).split(b"\n")
        for raw in whole:
            number += 1
            returns = returns or raw.endswith(b"\r")
            yield from _line(number, raw)
    if pending:
        yield from _line(number + 1, pending)
    if returns:
        yield 0, Change(0, "carriage returns at the ends of lines were removed")


def _line(number: int, raw: bytes) -> Iterator[tuple[int, Any]]:
    text = raw.strip()
    if not text:
        yield number, Change(number, "the blank line was removed")
        return
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield number, text
        return
    yield number, record if isinstance(record, dict) else text


def _whole(chunks: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_WHOLE_BYTES:
            limit = MAX_WHOLE_BYTES >> 20
            raise NotRepairable(
                f"the file is not one object a line, and too big to be read whole ({limit} MB)"
            )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotRepairable(f"byte {error.start + 1} is not UTF-8; save the file as UTF-8") from error
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        if text[place] in " \t\r\n,[]":
            place += 1
            continue
        try:
            record, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, place) + 1
            raise NotRepairable(f"line {line} is not JSON: {error}") from error
        yield text.count("\n", 0, place) + 1, record if isinstance(record, dict) else text[place:end].encode()
        place = end


def _repaired(record: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The record as Bedrock reads it, and what had to be done."""
    format_ = formats.detect(record)
    if format_ == "openai-chat" and not any(rules.shape_problems(record, format_)):
        return formats.write(formats.read(record, format_), "converse"), "text content became content blocks"
    if format_ == "converse" and "schemaVersion" not in record:
        return {"schemaVersion": SCHEMA_VERSION, **record}, "schemaVersion was added"
    return record, ""


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

"""Repairs a dataset where that needs no guessing; every change is listed, and the original stays.

It repairs compression, UTF-16, byte-order marks, blank lines, all kinds of line ends, arrays and
pretty-printed objects, plain strings in place of content blocks, roles in capitals, a missing schemaVersion
and exact duplicates. Texts are changed only by requested repairs (`named_repairs`). A line that cannot be
repaired stays unchanged, and `check` says why.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from tunedrop.dataset.formats.json_lines import BOM, MAX_LINE_BYTES, relaxed
from tunedrop.dataset.tools import line_ends, named_repairs
from tunedrop.dataset.tools.decode import Change, NotRepairable, is_packed, unpacked
from tunedrop.dataset.tools.repaired_record import Record, as_bedrock_has_it, canonical, written
from tunedrop.dataset.tools.values import unambiguous, values

MAX_REMEMBERED = 4_000_000
"""Maximum number of records to search for duplicates, which bounds the memory."""


def repair(chunks: Iterable[bytes], sink: BinaryIO, named: Sequence[str] = ()) -> Iterator[Change]:
    """Write the repaired dataset; returns each change as it is made.

    Parameters
    ----------
    named
        The requested repairs of `named_repairs.NAMES`, which change texts.

    Raises
    ------
    NotRepairable
        If the file has another type, or is not JSON in any layout.
    """
    seen: set[bytes] = set()
    changes: list[Change] = []
    for line, text, record in _records(unpacked(chunks, changes.append), changes.append):
        yield from _taken(changes)
        if record is None:
            if is_packed(text) and not sink.tell():  # the repaired file would look like another type
                raise NotRepairable(f"line {line} is not text")
            sink.write(text + b"\n")
            continue
        repaired, what = _named(record, named) if named else as_bedrock_has_it(record)
        if what and _names_a_key_twice(text):  # only a person can decide which of them counts
            repaired, what = record, []
        yield from (Change(line, one) for one in what)
        digest = hashlib.blake2b(canonical(repaired), digest_size=12).digest()
        if digest in seen:
            yield Change(line, "an exact duplicate was left out")
            continue
        if len(seen) < MAX_REMEMBERED:
            seen.add(digest)
        sink.write((written(repaired) if what or not text else text) + b"\n")
    yield from _taken(changes)
    if len(seen) >= MAX_REMEMBERED:
        yield Change(0, f"duplicates were searched only among the first {MAX_REMEMBERED:,} records")


def _named(record: Record, named: Sequence[str]) -> tuple[Record, list[str]]:
    """The repaired record; requested repairs come first, because merged turns are read as one."""
    mended, first = named_repairs.applied(record, named)
    repaired, then = as_bedrock_has_it(mended)
    return repaired, first + then


def _taken(changes: list[Change]) -> list[Change]:
    taken = changes[:]
    changes.clear()
    return taken


def _records(
    chunks: Iterator[bytes], tell: Callable[[Change], None]
) -> Iterator[tuple[int, bytes, Record | None]]:
    """(line, text, record); the record is None if the text is not a JSON object, the text is empty if it was
    not a line."""
    chunks = line_ends.fed(chunks, lambda what: tell(Change(0, what)))
    first = _head(chunks)
    if _is_one_object_a_line(first):
        yield from _lines(itertools.chain([first], chunks), tell)
    else:
        tell(Change(0, "an array or pretty-printed objects were written one object per line"))
        start = first[: len(first) - len(_begun(first))]
        if BOM in start:
            tell(Change(1, "the byte-order mark was removed"))
        yield from _whole(itertools.chain([start.replace(BOM, b""), _begun(first)], chunks))


def _head(chunks: Iterator[bytes]) -> bytes:
    """The beginning of a file: its first line, up to a limit."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if b"\n" in _begun(head) or len(head) > MAX_LINE_BYTES:
            break
    return bytes(head)


def _begun(head: bytes | bytearray) -> bytes:
    """The rest after whitespace and byte-order marks."""
    return bytes(head.lstrip(b" \t\r\n\v\f" + BOM))


def _is_one_object_a_line(first: bytes) -> bool:
    start = _begun(first)
    if start.startswith(b"["):
        return False
    line = start.partition(b"\n")[0].strip()
    if len(line) >= MAX_LINE_BYTES:
        return not _begins_with_an_object(line)
    return not (start.startswith(b"{") and not line.endswith(b"}"))


def _begins_with_an_object(line: bytes) -> bool:
    """Whether a line without an end consists of several objects, rather than one that is too long."""
    try:
        return isinstance(json.JSONDecoder().raw_decode(line.decode(errors="replace"))[0], dict)
    except (ValueError, RecursionError):
        return False


def _lines(
    chunks: Iterable[bytes], tell: Callable[[Change], None]
) -> Iterator[tuple[int, bytes, Record | None]]:
    number, blank, around = 0, 0, set[str]()
    for raw in line_ends.split(chunks):
        number += 1
        text = raw.strip()
        if not text:
            blank += 1
            continue
        if blank:
            tell(_blank(number - blank, blank))
            blank = 0
        around.update(_around(raw, text))
        text, whats = mended(text)
        for what in whats:
            tell(Change(number, what))
        if not text:
            continue
        record = _object(text)
        several = _parted(text) if text and record is None else []
        if several:
            beside = "a comma or bracket around the record was removed"
            tell(
                Change(
                    number,
                    beside if len(several) == 1 else f"{len(several)} records were moved to separate lines",
                )
            )
            yield from ((number, b"", one) for one in several)
        elif text:
            yield number, text, record
    if blank:
        tell(_blank(number - blank + 1, blank))
    for what in sorted(around):
        tell(Change(0, what))


def mended(text: bytes) -> tuple[bytes, list[str]]:
    """A line as one record of JSON, and the repairs. Nothing is guessed, and the mark of a code fence is not
    a record."""
    whats: list[str] = []
    if text.startswith(BOM):  # concatenated files, or blank lines before it
        text = _without_marks(text)
        whats.append("the byte-order mark was removed")
    if text.startswith(b"```"):
        return b"", [*whats, "a code fence was removed"]
    if _object(text) is None:
        if (escaped := _escaped(text)) is not None:
            return escaped, [*whats, "raw control characters in strings were escaped"]
        if (python := _of_python(text)) is not None:
            return python, [*whats, "Python notation was converted to JSON"]
    return text, whats


def _of_python(text: bytes) -> bytes | None:
    """A record in Python notation, with single quotes, as JSON; None for anything else."""
    if not text.startswith(b"{'") or len(text) > _MOST_PYTHON:
        return None
    try:
        parsed = ast.parse(text.decode(), mode="eval").body
        record = ast.literal_eval(parsed)
        if any(
            isinstance(one, ast.Dict) and len(one.keys) != len(ast.literal_eval(one))
            for one in ast.walk(parsed)
        ):
            return None  # a duplicate key
        return (
            json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
            if isinstance(record, dict)
            else None
        )
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


_MOST_PYTHON = 1 << 20


def _blank(first: int, count: int) -> Change:
    return Change(
        first, "the blank line was removed" if count == 1 else f"{count:,} blank lines were removed"
    )


def _around(raw: bytes, text: bytes) -> Iterator[str]:
    """The repairs of whitespace around the text of a line."""
    if raw.endswith(b"\r"):
        yield "carriage returns at the ends of lines were removed"
    if len(raw.rstrip(b"\r")) > len(text) and not raw.lstrip().startswith(BOM):
        yield "whitespace around records was removed"


def _without_marks(text: bytes) -> bytes:
    while text.startswith(BOM):
        text = text.removeprefix(BOM).strip()
    return text


def _object(text: bytes) -> Record | None:
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _escaped(text: bytes) -> bytes | None:
    """A record with its raw control characters escaped; None if that is not its problem."""
    if not text.startswith(b"{") or _names_a_key_twice_relaxed(text):
        return None
    record = relaxed(text)
    mended = written(record) if record is not None else None
    return mended if mended is not None and _object(mended) is not None else None


def _names_a_key_twice_relaxed(text: bytes) -> bool:
    try:
        json.loads(text, object_pairs_hook=unambiguous, strict=False)
    except (ValueError, RecursionError):
        return True
    return False


def _parted(text: bytes) -> list[Record]:
    """The records on one line; empty if it is anything else."""
    try:
        found = [value for _, _, value in values([text])]
    except NotRepairable:
        return []
    if not all(isinstance(one, dict) for one in found):
        return []
    return found if len(found) > 1 or text.strip(b" \t\r,[]") != text else []


def _names_a_key_twice(text: bytes) -> bool:
    try:
        json.loads(text or b"null", object_pairs_hook=unambiguous)
    except (ValueError, RecursionError):
        return True
    return False


def _whole(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, Record | None]]:
    for line, text, value in values(chunks):
        if isinstance(value, dict):
            yield line, b"", value
        else:
            yield line, text.encode(), None


# --- one record --------------------------------------------------------------------------------------------

"""Finds the line ends of editors, copied files and old Macs, and replaces them by line feeds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator

from tunedrop.dataset.formats.json_lines import MAX_LINE_BYTES, RETURN
from tunedrop.dataset.tools.decode import NotRepairable

_SPACE = b" \t\r"


def fed(chunks: Iterable[bytes], tell: Callable[[str], None]) -> Iterator[bytes]:
    """The same bytes with line feeds instead of carriage returns between records; reports the repair, if
    any."""
    held, found = b"", False
    for chunk in itertools.chain(chunks, [b""]):
        body = held + chunk
        found = found or RETURN.search(body) is not None
        body = RETURN.sub(_fed, body) if found else body
        end = len(body.rstrip(_SPACE))
        if len(body) - end > MAX_LINE_BYTES and body[end - 1 : end] == b"}":  # no record contains such a gap
            body, end = body[:end] + body[end:].replace(b"\r", b"\n"), len(body)
        cut = end - 1 if chunk and body[end - 1 : end] == b"}" else len(body)  # the next chunk decides
        held = body[cut:]
        yield body[:cut]
    if found:
        tell("carriage returns between records were replaced by line feeds")


def _fed(gap: re.Match[bytes]) -> bytes:
    return gap[0].replace(b"\r", b"\n")


def split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file without their line feeds, in bounded memory, whatever the amount of whitespace.

    Raises
    ------
    NotRepairable
        If a line is too long to be a record.
    """
    pending, number = b"", 0
    for chunk in chunks:
        *whole, rest = (pending + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield _bounded(line, number)
        pending = rest if len(rest) <= MAX_LINE_BYTES else _bounded(rest, number + 1).ljust(MAX_LINE_BYTES)
    if pending:
        yield _bounded(pending, number + 1)


def _bounded(line: bytes, number: int) -> bytes:
    """A line whose leading and trailing whitespace does not count."""
    if len(line) <= MAX_LINE_BYTES:
        return line
    text = line.strip()
    if len(text) > MAX_LINE_BYTES:
        raise NotRepairable(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes; split it")
    return text + b" "

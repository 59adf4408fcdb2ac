"""Lines that stand for a row, element or value that could not be read, with the reason.

They keep their place among the records, so that readers of the lines count, list and refuse them like any
other line. A line of JSON never contains NUL.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.dataset.types import Source

_MARK = b"\0"


class NotReadable(Exception):
    """A file of a type without records, or that is damaged or too large. The message says what to do."""

    def __init__(self, message: str, code: str = "TD005") -> None:
        super().__init__(message)
        self.code = code


def written(code: str, message: str) -> bytes:
    """The line, without its end."""
    return _MARK + code.encode() + _MARK + " ".join(message.split()).encode(errors="replace")


def read(line: bytes) -> tuple[str, str] | None:
    """The code and message of such a line; None for other lines."""
    if not line.startswith(_MARK):
        return None
    code, mark, message = line[1:].partition(_MARK)
    if not mark or len(code) != len("TD000") or not code.startswith(b"TD"):
        return None
    return code.decode(errors="replace"), message.decode(errors="replace")


def listed(source: Source) -> Iterator[tuple[int, tuple[str, str]]]:
    """(line, (code, message)) of each such line of JSON lines."""
    number, rest = 0, b""
    for chunk in source.chunks(0, source.size):
        *lines, rest = (rest + chunk).split(b"\n")
        marked = ((at, line) for at, line in enumerate(lines, 1) if line.startswith(_MARK))
        yield from ((number + at, found) for at, line in marked if (found := read(line)))
        number += len(lines)
        rest = rest if rest.startswith(_MARK) else rest[:1]  # enough of any other line

"""Reads Parquet and Arrow files in a separate process, with limited memory and without credentials.

A kilobyte of Parquet can expand to gigabytes, such as a repeated value or a page of one letter. Nothing in
the file shows this reliably, and the library that reads it has no limit. The process is reused for the next
file. If it dies, another one reads the rest row by row, so that only a row that is too large is refused.

The process runs this module (`python -m`). Both ends send frames of a letter, a length and a body: the
process requests bytes of the file (`R`), and sends rows (`L`) and the end (`E`, or `N` with the reason).
"""

from __future__ import annotations

import atexit
import io
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, cast

import msgspec

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import columnar
from tunedrop.dataset.sources.containers.kinds import Kind

MEMORY = 1 << 30
"""Bytes that the process may allocate; the functions that read datasets have 2 GB."""

_Rows = list[tuple[int, bytes]]
"""Rows with their numbers."""
_FRAME, _PLACE = struct.Struct("<cQ"), struct.Struct("<QQ")
_AT_ONCE, _ROWS_AT_ONCE = 1 << 20, 1 << 17


class _Asked(msgspec.Struct, frozen=True):
    """A file to read: its type and size, the columns, the rows per batch, and the rows to skip."""

    kind: Kind
    size: int
    wanted: Mapping[str, str]
    batch: int
    done: int


class _Died(Exception):
    """The process ended in the middle of a file."""


def read(kind: Kind, file: BinaryIO, wanted: Mapping[str, str]) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each row, as `columnar.read` gives them.

    Raises
    ------
    NotReadable
        If the file is damaged, lacks a column, or needs more memory than there is.
    """
    size, done = file.seek(0, io.SEEK_END), 0
    for batch in (columnar.BATCH, 1):
        try:
            for done, line in _rows(_Asked(kind, size, wanted, batch, done), file):  # noqa: B020 - where it died
                yield done, line
            return
        except _Died:
            continue
    raise NotReadable(
        f"the file takes more than {MEMORY >> 20:,} MB of memory after row {done:,}, or is damaged; write it "
        "again, with shorter values or without that row"
    )


def _rows(asked: _Asked, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    process: subprocess.Popen[bytes] | None = _kept_one() or _started()
    assert process is not None
    to, from_ = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
    try:
        _send(to, b"F", msgspec.msgpack.encode(asked))
        while True:
            letter, body = _receive(from_)
            if letter == b"R":
                place, length = _PLACE.unpack(body)
                file.seek(place)
                _send(to, b"B", file.read(length))
            elif letter == b"L":
                yield from msgspec.msgpack.decode(body, type=_Rows)
            elif letter == b"N":
                raise NotReadable(body.decode())
            else:
                _kept.append(process)
                process = None
                return
    except (BrokenPipeError, EOFError) as error:
        raise _Died from error
    finally:
        if process is not None:
            process.kill()
            process.communicate()


_kept: list[subprocess.Popen[bytes]] = []
"""Idle processes."""


def _kept_one() -> subprocess.Popen[bytes] | None:
    while True:
        try:
            process = _kept.pop()
        except IndexError:
            return None
        if process.poll() is None:
            return process


@atexit.register
def _end() -> None:
    for process in _kept:
        process.kill()
        process.communicate()


def _started() -> subprocess.Popen[bytes]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-P", "-m", __name__, str(MEMORY)],  # -P: import nothing from the current folder
        env=mine | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _send(to: BinaryIO, letter: bytes, body: bytes = b"") -> None:
    to.write(_FRAME.pack(letter, len(body)))
    to.write(body)
    to.flush()


def _receive(from_: BinaryIO) -> tuple[bytes, bytes]:
    head = from_.read(_FRAME.size)
    if len(head) < _FRAME.size:
        raise EOFError
    letter, length = _FRAME.unpack(head)
    body = from_.read(length)
    if len(body) < length:
        raise EOFError
    return letter, body


# --- the other process -------------------------------------------------------------------------------------


class _Remote(io.RawIOBase):
    """The file, read through the other end."""

    def __init__(self, size: int, to: BinaryIO, from_: BinaryIO) -> None:
        self._size, self._to, self._from, self._place = size, to, from_, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, (0, self._place, self._size)[whence] + place)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        _send(self._to, b"R", _PLACE.pack(self._place, len(buffer)))
        _, body = _receive(self._from)
        buffer[: len(body)] = body
        self._place += len(body)
        return len(body)


def _serve(from_: BinaryIO, to: BinaryIO) -> None:
    """Read one file after the other, until the input ends."""
    with suppress(EOFError, BrokenPipeError):
        while True:
            asked = msgspec.msgpack.decode(_receive(from_)[1], type=_Asked)
            file = cast(BinaryIO, io.BufferedReader(_Remote(asked.size, to, from_), _AT_ONCE))
            try:
                for rows in _together(asked, columnar.read(asked.kind, file, asked.wanted, asked.batch)):
                    _send(to, b"L", msgspec.msgpack.encode(rows))
            except NotReadable as error:
                if isinstance(error.__cause__, MemoryError):
                    return
                _send(to, b"N", str(error).encode(errors="replace"))
            else:
                _send(to, b"E")


def _together(asked: _Asked, lines: Iterator[tuple[int, bytes]]) -> Iterator[_Rows]:
    """The remaining rows, in batches, or one by one if any of them may end the process."""
    most = _ROWS_AT_ONCE if asked.batch > 1 else 0
    rows: _Rows = []
    size = 0
    for number, line in lines:
        if number <= asked.done:
            continue
        rows.append((number, line))
        size += len(line)
        if size > most:
            yield rows
            rows, size = [], 0
    yield rows


def _limit_memory(most: int) -> None:
    """Limit the memory, if the system can: Windows has no such limit, and macOS does not enforce it."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    _limit_memory(int(sys.argv[1]))
    _serve(sys.stdin.buffer, sys.stdout.buffer)

"""Local sources of a dataset's bytes: they have a size and can be read repeatedly from any position."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from tunedrop.dataset.sources.media import LocalMedia
from tunedrop.dataset.types import CHUNK, MediaResolver

NEAR = 1 << 13
"""Bytes to search for the end of a line."""


class LocalFile:
    """A file on this machine. It is opened for each read, so that the object can be sent to another
    process."""

    def __init__(self, path: Path, resolver: MediaResolver | None = None) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.resolver = resolver or LocalMedia(path.parent)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`; in whole lines if these are short, so that they need not
        be copied."""
        with self.path.open("rb", buffering=0) as file:
            place = start
            while place < stop and (chunk := os.pread(file.fileno(), _whole_lines(file, place, stop), place)):
                place += len(chunk)
                yield chunk


def _whole_lines(file: FileIO, start: int, stop: int) -> int:
    """The number of bytes to read, so that they end with a line if one ends nearby."""
    if stop - start <= CHUNK:
        return stop - start
    looked_at = min(NEAR, CHUNK)
    end = os.pread(file.fileno(), looked_at, start + CHUNK - looked_at).rfind(b"\n") + 1
    return CHUNK - looked_at + end if end else CHUNK


class Held:
    """Bytes in memory."""

    resolver: MediaResolver | None = None

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.size = len(body)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop."""
        for place in range(start, min(stop, self.size), CHUNK):
            yield self._body[place : min(place + CHUNK, stop)]


class Spooled:
    """Chunks that can be read only once, kept in a temporary file (in memory while it is small)."""

    resolver: MediaResolver | None = None

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._stream = tempfile.SpooledTemporaryFile(max_size=8 * CHUNK)  # noqa: SIM115 - kept
        for chunk in chunks:
            self._stream.write(chunk)
        self.size = self._stream.tell()

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop."""
        yield from _from(self._stream, start, stop)

    def close(self) -> None:
        """Give the space back."""
        self._stream.close()


def _from(stream: tempfile.SpooledTemporaryFile[bytes], start: int, stop: int) -> Iterator[bytes]:
    place = start
    while place < stop:
        stream.seek(place, os.SEEK_SET)  # every time, because two reads of the stream may alternate
        chunk = stream.read(min(CHUNK, stop - place))
        if not chunk:
            return
        place += len(chunk)
        yield chunk

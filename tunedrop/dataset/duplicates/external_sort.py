"""Sorting more short byte strings than fit into memory: sorted runs on disk, merged while they are read."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

RUN = 250_000
"""Entries that are sorted at once, in about 20 MB."""

READ_AT_ONCE = 4_000


class Sorter:
    """Takes entries of `width` bytes in any order; iterating gives them in order, once."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._run: list[bytes] = []
        self._runs: list[BinaryIO] = []

    def add(self, entry: bytes) -> None:
        """One more entry."""
        self._run.append(entry)
        if len(self._run) >= RUN:
            self._runs.append(tempfile.TemporaryFile())  # noqa: SIM115 - closed when it has been read
            self._runs[-1].write(b"".join(sorted(self._run)))
            self._run.clear()

    def __iter__(self) -> Iterator[bytes]:
        self._run.sort()
        return heapq.merge(self._run, *(self._read(run) for run in self._runs))

    def _read(self, run: BinaryIO) -> Iterator[bytes]:
        run.seek(0)
        with run:
            while piece := run.read(READ_AT_ONCE * self._width):
                for start in range(0, len(piece), self._width):
                    yield piece[start : start + self._width]

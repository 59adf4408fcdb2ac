"""Maps each JSON line of a converted file to its place in the original file."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import msgspec

from tunedrop.dataset.types import Place


class _Stored(msgspec.Struct, frozen=True):
    members: list[tuple[int, str]]
    runs: bytes


class Places:
    """The place of each line. Lines in equal steps share an entry: a table of any length takes a few bytes.

    Three numbers an entry: the first line it is for, that line's original, and the step to the next original.
    """

    def __init__(self) -> None:
        self._members: list[tuple[int, str]] = [(0, "")]
        self._runs = array("Q")
        self._count = 0

    def begin(self, member: str) -> None:
        """The following lines are from another archive member or sheet."""
        self._members.append((self._count, member))

    def add(self, original: int) -> None:
        """The next line was at this line of the original."""
        index, self._count = self._count, self._count + 1
        if self._runs:
            first, line, step = self._runs[-3:]
            if index == first + 1 and original > line:
                self._runs[-1] = step = original - line
            if line + step * (index - first) == original and self._members[-1][0] <= first:
                return
        self._runs.extend((index, original, 1))

    def of(self, line: int) -> Place:
        """The place of a line, which counts from 1."""
        index = line - 1
        _, part = self._members[bisect_right(self._members, index, key=lambda one: one[0]) - 1]
        run = bisect_right(range(0, len(self._runs), 3), index, key=self._runs.__getitem__) - 1
        if run < 0:
            return Place(line, part)
        first, original, step = self._runs[3 * run : 3 * run + 3]
        return Place(original + step * (index - first), part)

    def encode(self) -> bytes:
        """The same as bytes."""
        return msgspec.msgpack.encode(_Stored(self._members, self._runs.tobytes()))

    @classmethod
    def decode(cls, body: bytes) -> Places:
        """What `encode` gave."""
        stored = msgspec.msgpack.decode(body, type=_Stored)
        places = cls()
        places._members = stored.members
        places._runs = array("Q", stored.runs)
        return places

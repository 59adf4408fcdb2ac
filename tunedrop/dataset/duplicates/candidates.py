"""Records that are alike: duplicates, contradictions, overlap between files; exact, in bounded memory.

Every record brings its `likeness`, of 8 bytes. The few that share one with another record are looked at a
second time, in the bytes of their file, on all cores where they are there, and compared by their
`Fingerprint`s, which are sorted on disk.
"""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, pairwise
from typing import BinaryIO

import msgspec

from tunedrop.dataset.check.scan import Partial, Records, without_garbage_collection
from tunedrop.dataset.duplicates.external_sort import Sorter
from tunedrop.dataset.duplicates.fingerprints import fingerprint
from tunedrop.dataset.duplicates.repeats import repeated
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats import record as formats
from tunedrop.dataset.formats.record import SourceFormat
from tunedrop.dataset.types import Problem, Source, Split

MOST_COMPARED = 20_000_000
"""Many times what any base model takes; it bounds memory, space on disk, and the time of comparing them."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Place(msgspec.Struct, frozen=True):
    """A record: its file, and its line from 1."""

    split: Split
    line: int

    def __str__(self) -> str:
        return f"line {self.line} of {self.split}"


class _Part(msgspec.Struct, frozen=True):
    """Where a range's records are in the spool, and in their file."""

    split: Split
    lines_before: int
    blocks: list[tuple[int, int]]
    spooled_at: int
    records: int


class Again(msgspec.Struct, frozen=True):
    """Records of a range that are looked at a second time: `lines`, of 4 bytes each, are the range's own."""

    split: Split
    format: SourceFormat
    lines_before: int
    blocks: list[tuple[int, int]]
    lines: bytes


LookAgain = Callable[[Iterator[Again]], Iterator[bytes]]
"""Gives what `look_again` does of each, in any order: on all cores, say."""


_PLACE, _ANSWER, _LETTERS, _WIDTH = slice(8, 17), slice(17, 25), slice(25, 33), 33
"""An entry is the fingerprint of a prompt, the place, and the fingerprints of answer and letters."""

_NONE = bytes(8)


class Alike:
    """Takes the records of one format, range after range, then says which are alike."""

    def __init__(self, format_: SourceFormat) -> None:
        self._format = format_
        self._spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - lives as we do
        self._parts: list[_Part] = []
        self._records = 0
        self.left_out = 0

    def take(self, partial: Partial, records: Records, lines_before: int) -> None:
        """Keep what is to be compared of a range, on disk, and no longer in the range's result."""
        at, all_ = self._spool.seek(0, 2), len(records.lines) // 4
        number = min(all_, MOST_COMPARED - self._records)
        self._records += number
        self.left_out += all_ - number
        self._spool.write(records.likeness[: 8 * number] + records.lines[: 4 * number])
        part = _Part(
            split=partial.range.split,
            lines_before=lines_before,
            blocks=partial.blocks,
            spooled_at=at,
            records=number,
        )
        self._parts.append(part)
        records.likeness = records.lines = b""

    def report(self, look: LookAgain, found: Callable[[Place, Problem], None]) -> None:
        """Tell each record that is like an earlier one, in any order."""
        by_prompt, by_letters = Sorter(_WIDTH), Sorter(8 + 9)
        for entries in look(self._again()):
            for start in range(0, len(entries), _WIDTH):
                by_prompt.add(entries[start : start + _WIDTH])
        first = b""
        for entry in by_prompt:
            if entry[:8] == first[:8]:
                found(_place(entry[_PLACE]), _same_prompt(first, entry))
                continue
            first = entry
            if first[_LETTERS] != _NONE:
                by_letters.add(first[_LETTERS] + first[_PLACE])
        first = b""
        for entry in by_letters:
            if entry[:8] == first[:8]:
                why = f"but for numbers and punctuation the same record as {_place(first[8:])}"
                found(_place(entry[8:]), Problem("$", "TD053", why))
            else:
                first = entry

    def close(self) -> None:
        """Give the space on disk back."""
        self._spool.close()

    def _again(self) -> Iterator[Again]:
        """The records that share their likeness with another record."""
        shared, first = repeated(lambda: map(self._likeness, self._parts), self._records), 0
        for part in self._parts:
            last = first + part.records
            if shared.find(1, first, last) >= 0:
                mine = array("I", compress(self._lines(part), shared[first:last]))
                yield Again(part.split, self._format, part.lines_before, part.blocks, mine.tobytes())
            first = last

    def _likeness(self, part: _Part) -> array[int]:
        self._spool.seek(part.spooled_at)
        return array("Q", self._spool.read(8 * part.records))

    def _lines(self, part: _Part) -> array[int]:
        self._spool.seek(part.spooled_at + 8 * part.records)
        return array("I", self._spool.read(4 * part.records))


def look_again(again: Again, source: Source) -> bytes:
    """The entries of the records, one after the other."""
    split, found = SPLITS.index(again.split).to_bytes(1), []
    with without_garbage_collection():
        for number, raw in _read_again(again.blocks, array("I", again.lines), source):
            record = msgspec.json.decode(raw)  # it has been checked, else it had no likeness
            print_ = fingerprint(formats.read(record, again.format))
            place = split + (number + again.lines_before + 1).to_bytes(8)
            found.append(print_.prompt + place + print_.answer + (print_.letters or _NONE))
    return b"".join(found)


def _place(entry: bytes) -> Place:
    return Place(SPLITS[entry[0]], int.from_bytes(entry[1:]))


def _same_prompt(first: bytes, entry: bytes) -> Problem:
    earlier, split = _place(first[_PLACE]), _place(entry[_PLACE]).split
    if earlier.split != split:
        if split == "test":
            why = f"this prompt is also at {earlier}: what is trained on cannot be held out"
            return Problem("$", "TD052", why)
        return Problem("$", "TD056", f"this prompt is also at {earlier}")
    if first[_ANSWER] == entry[_ANSWER]:
        return Problem("$", "TD050", f"the same record as {earlier}")
    return Problem("$", "TD051", f"the same prompt as {earlier}, with another answer")


def _read_again(
    blocks: list[tuple[int, int]], wanted: Sequence[int], source: Source
) -> Iterator[tuple[int, bytes]]:
    """(line, bytes) of the lines that are wanted, in rising order, from the blocks that have them."""
    place = 0
    for (start, first), (stop, end) in pairwise(blocks):
        mine = wanted[place : bisect_left(wanted, end, place)]
        place += len(mine)
        if mine:
            body = b"".join(source.chunks(start, stop))
            yield from _picked(lines.body_of(lines.Block(start, body)), first, mine)


def _picked(body: bytes, number: int, wanted: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Some of the lines of a block, the first of which has this number: to split all takes longer."""
    place = 0
    for line in wanted:
        for _ in range(line - number):
            place = body.index(b"\n", place) + 1
        number, end = line, body.find(b"\n", place)
        yield line, body[place : end if end >= 0 else len(body)]

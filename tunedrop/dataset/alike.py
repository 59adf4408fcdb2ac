"""Records that are alike: duplicates, contradictions, overlap between files; exact, in bounded memory.

Every record brings its `likeness`, of 8 bytes. The few that share one with another record are looked at a
second time, in the bytes of their file, and compared by their `Fingerprint`s, which are sorted on disk.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, compress, count, islice, pairwise
from operator import eq
from typing import BinaryIO

import msgspec

from tunedrop.dataset import formats, lines
from tunedrop.dataset.file_rules import Split
from tunedrop.dataset.formats import SourceFormat
from tunedrop.dataset.likeness import fingerprint
from tunedrop.dataset.partial import Partial, Records
from tunedrop.dataset.problem import Problem
from tunedrop.dataset.sorting import Sorter
from tunedrop.dataset.source import Source

MOST_COMPARED = 20_000_000
"""Many times what any base model takes; it bounds memory, space on disk, and the time of comparing them."""

KEYS_AT_ONCE = 1_000_000
"""Sorted, so many take about 40 MB."""

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

    def report(self, sources: Mapping[Split, Source], found: Callable[[Place, Problem], None]) -> None:
        """Tell each record that is like an earlier one, in any order."""
        by_prompt, by_letters = Sorter(_WIDTH), Sorter(8 + 9)
        for part, indexes in zip(self._parts, self._shared(), strict=True):
            for entry in self._look(part, indexes, sources[part.split]) if indexes else ():
                by_prompt.add(entry)
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

    def _shared(self) -> list[array[int]]:
        """For each part, which of its records share their likeness with another record."""
        shared = [array("I") for _ in self._parts]
        turns = sum(part.records for part in self._parts) // KEYS_AT_ONCE + 1
        for turn in range(turns):
            twice = self._twice(turn, turns)
            if twice:
                for mine, part in zip(shared, self._parts, strict=True):
                    mine.extend(compress(count(), map(twice.__contains__, self._likeness(part))))
        return [array("I", sorted(one)) for one in shared] if turns > 1 else shared

    def _twice(self, turn: int, turns: int) -> set[int]:
        """Of the likenesses whose turn it is, those of several records."""
        keys = chain.from_iterable(map(self._likeness, self._parts))
        ordered = sorted(keys if turns == 1 else (key for key in keys if key % turns == turn))
        return set(compress(ordered, map(eq, ordered, islice(ordered, 1, None))))

    def _likeness(self, part: _Part) -> array[int]:
        self._spool.seek(part.spooled_at)
        return array("Q", self._spool.read(8 * part.records))

    def _lines(self, part: _Part) -> array[int]:
        self._spool.seek(part.spooled_at + 8 * part.records)
        return array("I", self._spool.read(4 * part.records))

    def _look(self, part: _Part, indexes: array[int], source: Source) -> Iterator[bytes]:
        """The fingerprints of some records of a range, read again."""
        all_lines = self._lines(part)
        wanted = [all_lines[index] for index in indexes]
        split = SPLITS.index(part.split).to_bytes(1)
        for number, raw in _read_again(part.blocks, wanted, source):
            record = lines.parse(number, raw).record
            print_ = fingerprint(formats.read(record, self._format))
            place = split + (number + part.lines_before + 1).to_bytes(8)
            yield print_.prompt + place + print_.answer + (print_.letters or _NONE)


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
    blocks: list[tuple[int, int]], wanted: list[int], source: Source
) -> Iterator[tuple[int, bytes]]:
    """(line, bytes) of the lines that are wanted, in rising order, from the blocks that have them."""
    place = 0
    for (start, first), (stop, end) in pairwise(blocks):
        mine = []
        while place < len(wanted) and wanted[place] < end:
            mine.append(wanted[place])
            place += 1
        if mine:
            number = first
            for block in lines.blocks(source, start, stop):
                found = lines.split(lines.body_of(block))
                yield from ((line, found[line - number]) for line in mine if 0 <= line - number < len(found))
                number += len(found)

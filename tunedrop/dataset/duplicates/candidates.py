"""Finds duplicates, contradictions and overlap between files: exactly, for any number of answers per prompt.

Each record's fingerprint of 24 bytes is stored on disk. Hashes that occur more than once are found in
partitions that fit into memory; their records are then sorted and compared.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator

import msgspec

from tunedrop.dataset.duplicates.fingerprints import HASHES
from tunedrop.dataset.types import Problem, Split

MOST_COMPARED = 20_000_000
"""Maximum number of compared records, a multiple of what any base model accepts; it limits disk space and
time."""

MOST_IN_MEMORY = 32 << 20
"""Bytes of fingerprints kept in memory, about a million records; the rest is on disk."""

AT_ONCE = 500_000
"""Hashes in memory at once: about 50 MB."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Place(msgspec.Struct, frozen=True, order=True):
    """A record: the index of its file in SPLITS, and its line from 1."""

    file: int
    line: int

    @property
    def split(self) -> Split:
        """Its file."""
        return SPLITS[self.file]

    def __str__(self) -> str:
        return f"line {self.line} of {self.split}"


class Prints(msgspec.Struct, frozen=True):
    """The records of a range: three arrays of 64-bit hashes, and their 32-bit line numbers within the
    range."""

    prompts: bytes = b""
    answers: bytes = b""
    letters: bytes = b""
    lines: bytes = b""


class _Part(msgspec.Struct, frozen=True):
    """The place of a range's records in the spool."""

    file: int
    lines_before: int
    at: int
    records: int


Found = Callable[[Place, str, Place], None]
"""Called with a record, the code of the rule, and the earlier record that it duplicates."""


class Duplicates:
    """Collects the records of one format, range by range, then reports duplicates."""

    def __init__(self, are_preferences: bool = False) -> None:
        self._are_preferences = are_preferences
        self._spool = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - see close
        self._parts: list[_Part] = []
        self._records = 0
        self.left_out = 0
        self.contradicted_prompts = 0

    def take(self, split: Split, prints: Prints, lines_before: int) -> None:
        """Store the records of a range."""
        all_ = len(prints.lines) // 4
        number = min(all_, MOST_COMPARED - self._records)
        self._parts.append(_Part(SPLITS.index(split), lines_before, self._spool.seek(0, 2), number))
        self._records += number
        self.left_out += all_ - number
        for column in (prints.prompts, prints.answers, prints.letters):
            self._spool.write(column[: 8 * number])
        self._spool.write(prints.lines[: 4 * number])

    def report(self, found: Found) -> None:
        """Report each record that duplicates an earlier one, in any order: (place, code, the earlier one)."""
        compared: set[Place] = set()
        for group in self._groups(0):
            self._same_prompt(group, found)
            compared.update([place for place, _ in group[1:]])
        for group in self._groups(2):
            alone = (
                [place for place, _ in group if place not in compared] if compared else [p for p, _ in group]
            )
            for place in alone[1:]:
                found(place, "TD053", alone[0])

    def close(self) -> None:
        """Delete temporary files."""
        self._spool.close()

    def _same_prompt(self, group: list[tuple[Place, int]], found: Found) -> None:
        first, answers = group[0][0], {group[0][1]: group[0][0]}
        differ = False
        for place, answer in group[1:]:
            earlier = answers.setdefault(answer, place)
            if place.file != first.file:
                found(place, "TD052" if place.split == "test" else "TD056", first)
            elif earlier is not place:
                found(place, "TD050", earlier)
            elif self._are_preferences:
                # Several pairs for one prompt are a ranking, but a pair and its reverse cancel out.
                if (reverse := answers.get(-answer % HASHES)) is not None:
                    differ = True
                    found(place, "TD092", reverse)
            else:
                differ = True
                found(place, "TD051", first)
        self.contradicted_prompts += differ

    def _groups(self, column: int) -> Iterator[list[tuple[Place, int]]]:
        """Groups of records with the same hash in a column, as (place, answer), ordered by place."""
        passes = -(-self._records // AT_ONCE)
        for number in range(passes):
            shared = self._shared(column, passes, number)
            groups: dict[int, list[tuple[Place, int]]] = {}
            for part in self._parts if shared else ():
                hashes = self._column(part, column)
                mine = [index for index, one in enumerate(hashes) if one in shared]
                if mine:
                    answers, lines = self._column(part, 1), self._lines(part)
                    for index in mine:
                        place = Place(part.file, lines[index] + part.lines_before + 1)
                        groups.setdefault(hashes[index], []).append((place, answers[index]))
            yield from groups.values()

    def _shared(self, column: int, passes: int, number: int) -> set[int]:
        """The hashes of one partition that occur more than once."""
        mine: list[int] = []
        for part in self._parts:
            hashes = filter(None, self._column(part, column))
            mine += hashes if passes == 1 else [one for one in hashes if one % passes == number]
        once = set(mine)
        if len(once) == len(mine):
            return set()
        once.clear()
        return {one for one in mine if one in once or once.add(one)}  # type: ignore[func-returns-value]

    def _column(self, part: _Part, column: int) -> array[int]:
        self._spool.seek(part.at + 8 * column * part.records)
        return array("Q", self._spool.read(8 * part.records))

    def _lines(self, part: _Part) -> array[int]:
        self._spool.seek(part.at + 24 * part.records)
        return array("I", self._spool.read(4 * part.records))


_WHY = {
    "TD050": "the same record as {}",
    "TD051": "the same prompt as {}, with another answer",
    "TD052": "this prompt is also at {}: training records cannot be held out",
    "TD053": "but for numbers and punctuation the same record as {}",
    "TD056": "this prompt is also at {}",
    "TD092": "prefers the answer that {0} rejects, and rejects the one that it prefers",
}


def problem(code: str, earlier: str) -> Problem:
    """A finding of `Duplicates.report`, with the place of the earlier record in words."""
    return Problem("$", code, _WHY[code].format(earlier))

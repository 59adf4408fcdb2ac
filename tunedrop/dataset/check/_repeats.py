"""Collects duplicates of earlier records while range results are merged; the first ones are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nsmallest

from tunedrop.dataset.check.results import PLACES, Tally
from tunedrop.dataset.duplicates.candidates import SPLITS, Place, problem
from tunedrop.dataset.types import Split

_LEAKS = ("TD052", "TD056")


class Repeats:
    """Collects the findings of `Duplicates.report`, in any order.

    Attributes
    ----------
    leaked
        (index of the file in `SPLITS`, line) of each record whose complete prompt is in an earlier file.
    """

    def __init__(self, most: int) -> None:
        self._most = max(most, PLACES)
        self._counts: dict[tuple[int, str], int] = {}
        self._first: dict[tuple[int, str], list[tuple[int, Place]]] = {}
        self.leaked: set[tuple[int, int]] = set()

    def take(self, place: Place, code: str, earlier: Place) -> None:
        """Add a record, with the code of its rule and the earlier record."""
        which = place.file, code
        self._counts[which] = self._counts.get(which, 0) + 1
        if code in _LEAKS:
            self.leaked.add((place.file, place.line))
        first = self._first.setdefault(which, [])
        first.append((place.line, earlier))
        if len(first) > 1000 + 2 * self._most:
            self._first[which] = nsmallest(self._most, first)

    def count(self, split: Split, code: str) -> int:
        """The number of records of a file with a code."""
        return self._counts.get((SPLITS.index(split), code), 0)

    def tallies(self, written: Callable[[Place], str]) -> Iterator[tuple[Split, str, Tally]]:
        """The findings by file and rule; `written` describes a place in words."""
        for (file, code), places in self._first.items():
            first = [
                (line - 1, problem(code, written(earlier))) for line, earlier in nsmallest(self._most, places)
            ]
            yield SPLITS[file], code, Tally({code: self._counts[file, code]}, first, {code: first[:PLACES]})

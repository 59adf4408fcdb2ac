"""Collects findings of all files while range results are merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tunedrop.dataset.check.results import PLACES, Tally
from tunedrop.dataset.duplicates.candidates import SPLITS
from tunedrop.dataset.types import Problem, Split


class Found:
    """Collects findings in any order; keeps the first ones by file and line, and the count of each code.
    Those of other files than `splits` are left out."""

    def __init__(self, most: int, splits: Collection[Split] = SPLITS) -> None:
        self._most = most
        self._splits = splits
        self._counts: Counter[tuple[Split, str]] = Counter()
        self._first: list[tuple[int, int, Problem]] = []
        self.places: dict[str, list[tuple[int, int, Problem]]] = {}

    @property
    def by_code(self) -> dict[str, int]:
        """The count of each code, highest first."""
        found: Counter[str] = Counter()
        for (_, code), count in self._counts.items():
            found[code] += count
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def count(self, split: Split) -> int:
        """The number in one file."""
        return sum(count for (where, _), count in self._counts.items() if where == split)

    def add(self, split: Split, line: int, problem: Problem) -> None:
        """Add a finding; line 0 is the whole file."""
        if split not in self._splits:
            return
        self._counts[split, problem.code] += 1
        self._keep(split, line, problem)
        places = self.places.setdefault(problem.code, [])
        places.append((SPLITS.index(split), line, problem))
        if len(places) > 10 * PLACES:
            self.places[problem.code] = sorted(places)[:PLACES]

    def take(self, split: Split, tally: Tally) -> None:
        """Add all of a tally, whose lines are numbered from 0."""
        if split not in self._splits:
            return
        for code, count in tally.counts.items():
            self._counts[split, code] += count
        for line, problem in tally.first:
            self._keep(split, line + 1, problem)
        for code, places in tally.places.items():
            found = [(SPLITS.index(split), line + 1, problem) for line, problem in places]
            self.places[code] = sorted([*self.places.get(code, []), *found])[:PLACES]

    def _keep(self, split: Split, line: int, problem: Problem) -> None:
        self._first.append((SPLITS.index(split), line, problem))
        if len(self._first) > 2 * self._most + 1000:
            self._first = self.first()

    def first(self) -> list[tuple[int, int, Problem]]:
        """The first findings by file and line; those of one line by rule."""
        return sorted(self._first)[: self._most]

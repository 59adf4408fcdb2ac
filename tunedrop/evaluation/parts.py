"""A part of the answers that carries what was asked: numbers, names, a field of JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

Wanted = Counter[Hashable]

FEWEST_UNITS, LEAST_SHARE = 10, 0.2
"""A part is tested that so many units have, and such a share of all."""


class Part(NamedTuple):
    """What of each reference belongs to one part; `find` gives the same of any answer."""

    name: str
    wanted: list[Wanted]
    find: Callable[[str], Wanted]

    def right(self, found: Sequence[Wanted]) -> list[float]:
        """The share of what is wanted that each answer has; of those references alone that have the part."""
        return [
            (wanted & given).total() / wanted.total()
            for wanted, given in zip(self.wanted, found, strict=True)
            if wanted
        ]

    def of(self, units: Sequence[int]) -> list[int]:
        """The units of those references."""
        return [unit for wanted, unit in zip(self.wanted, units, strict=True) if wanted]

    def is_frequent(self, units: Sequence[int]) -> bool:
        """Whether enough units have it."""
        return len(set(self.of(units))) >= max(FEWEST_UNITS, LEAST_SHARE * len(set(units)))

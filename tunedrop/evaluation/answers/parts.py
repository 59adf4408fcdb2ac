"""A part of the answers that carries what was asked: numbers, names, a field of JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

Wanted = Counter[Hashable]

FEWEST_UNITS, LEAST_SHARE = 10, 0.2
"""A part is tested that so many units have, and such a share of all."""


MOSTLY = 0.5
"""A part that is right more often than this is not wrong throughout, though by chance it may be as right."""


class Part(NamedTuple):
    """What of each reference belongs to one part; `find` gives the same of any answer.

    `may_omit`: the references of which the prompt states all that the part wants. An answer may leave that
    out; only one that has something else of the part can be wrong there. `chance`: of each reference that has
    the part, how much is right in an answer that has its members in any order. `enough`: of the part, as much
    must be right where chance has as much.
    """

    name: str
    wanted: list[Wanted]
    find: Callable[[str], Wanted]
    may_omit: Sequence[bool] = ()
    chance: Sequence[float] = ()
    enough: float = MOSTLY

    def said(self, found: Sequence[Wanted]) -> Part:
        """The part without the references of which an answer may leave out what it leaves out."""
        if not any(self.may_omit):
            return self
        known = frozenset(word for one in self.wanted for word in one)
        wanted = [
            Wanted() if omitted and known.isdisjoint(given) else one
            for one, omitted, given in zip(self.wanted, self.may_omit, found, strict=True)
        ]
        return self._replace(wanted=wanted)

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
        return is_frequent(self.of(units), units)


def is_frequent(having: Sequence[int], units: Sequence[int]) -> bool:
    """Whether enough of all units are among those that have something."""
    return len(set(having)) >= max(FEWEST_UNITS, LEAST_SHARE * len(set(units)))

"""Whether the words of an answer stand in the reference's order, whatever pieces were moved: letters, words,
phrases of Thai, lines of code.

The longest common subsequence forgives moves of large pieces. So the places of anchors are compared, runs of
one to three tokens that occur once in each text: Kendall's rank correlation of their places is near 0 when
pieces were shuffled, however large, and 1 when other words only stand between them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence

LONGEST_RUN = 3

FEWEST_ANCHORS, SHORT = 4, 12
"""Of fewer anchors the order says nothing; a text of so many tokens that has fewer in common is not alike."""

BY_CHANCE, BY_CHANCE_OF_ALL, ALL = 0.5, 0.8, 0.9
"""A few shuffled pieces reach the first correlation by chance, and so does a clause that moved to the front.
Where so many words are the same, nothing is said in other words; three shuffled lines reach the second."""


def in_order(expected: Sequence[str], given: Sequence[str]) -> float:
    """1 where what both texts have stands in the same order, 0 where no more of it does than by chance."""
    if expected == given:
        return 1.0
    places = _anchors(expected, given)
    if len(places) < FEWEST_ANCHORS:
        return float(len(expected) < SHORT)
    common = (Counter(expected) & Counter(given)).total()
    least = BY_CHANCE_OF_ALL if common >= ALL * max(len(expected), len(given)) else BY_CHANCE
    return max(0.0, (_kendall(places) - least) / (1 - least))


def _anchors(expected: Sequence[str], given: Sequence[str]) -> list[int]:
    """Where the anchors stand in `given`, in the order of `expected`."""
    found: list[tuple[int, int]] = []
    for size in range(1, LONGEST_RUN + 1):
        here, there = _once(expected, size), _once(given, size)
        found += [(place, there[run]) for run, place in here.items() if place >= 0 <= there.get(run, -1)]
    return [place for _, place in sorted(found)]


def _once(tokens: Sequence[str], size: int) -> dict[tuple[str, ...], int]:
    """The place of each run of so many tokens; -1 where it occurs more than once."""
    found: dict[tuple[str, ...], int] = {}
    for place in range(len(tokens) - size + 1):
        run = tuple(tokens[place : place + size])
        found[run] = -1 if run in found else place
    return found


def _kendall(places: Sequence[int]) -> float:
    """Pairs in order less those out of order, as a share of both."""
    before: list[int] = []
    ordered = 0
    for place in places:
        ordered += bisect_right(before, place)
        insort(before, place)
    pairs = len(places) * (len(places) - 1) / 2
    return 2 * ordered / pairs - 1

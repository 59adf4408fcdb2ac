"""Whether the words of an answer stand in the reference's order, whatever pieces were moved: letters, words,
phrases of Thai, lines of code.

The longest common subsequence forgives moves of large pieces. So the places of anchors are compared, runs of
one to three tokens that occur once in each text: Kendall's rank correlation of their places is near 0 when
pieces were shuffled, however large, and 1 when other words only stand between them. One piece that stands
elsewhere is another way to say the same (`On Monday the shop opens`; the verb may go with it, `öffnet der
Laden`), and so is an enumeration in another order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import regex

from tunedrop.evaluation.scoring.words import in_common, words

LONGEST_RUN = 3

FEWEST_ANCHORS = 4
"""Of fewer anchors the order says nothing."""

BY_CHANCE, BY_CHANCE_OF_ALL, ALL = 0.5, 0.8, 0.9
"""A few shuffled pieces reach the first correlation by chance. Where so many words are the same, nothing is
said in other words; three shuffled lines reach the second."""

STANDS_IN = frozenset(("it", "they", "es"))
"""Words for a subject named before: they move with no piece. No verb is left out: `Ann Lee sued Bo Kim` and
`Bo Kim sued Ann Lee` are two names that have changed places around one."""

_OUTER = regex.compile(r"[;\u061b\uff1b]|(?:^|\n)[^\S\n]*+[-*•]\s", regex.MULTILINE)
"""What stands between the members of an enumeration that may have members of their own."""

_INNER = regex.compile(r"[,\u060c\u3001\uff0c]|\s(?:and|or|und|oder|et|ou|y|e|o|и|или|و)\s")
"""Commas of several scripts, `and`."""

MOST_AT_ENDS = 20
"""No more members stand beside other words than those of their enumeration."""

MOST_ODD = 1
"""So many members may have no counterpart: one that is missing, or said in another way. Two that each have a
part of the other have exchanged it."""


def in_order(expected: Sequence[str], given: Sequence[str]) -> float:
    """1 where what both texts have stands in the same order, 0 where no more of it does than by chance."""
    if expected == given:
        return 1.0
    anchors = _anchors(expected, given)
    places = [place for _, place in anchors]
    if len(places) < FEWEST_ANCHORS or _is_one_move(anchors):
        return 1.0
    if _is_one_move([one for one in anchors if expected[one[0]] not in STANDS_IN]):
        return 1.0
    common = in_common(expected, given)
    least = BY_CHANCE_OF_ALL if common >= ALL * max(len(expected), len(given)) else BY_CHANCE
    return max(0.0, (_kendall(places) - least) / (1 - least))


def same_members(reference: str, answer: str) -> bool:
    """Whether an answer has the members of an enumeration in another order.

    Members of members (`Ann, 23; Ben, 41`) stay with their own.
    """
    lists = _split(_OUTER, reference), _split(_OUTER, answer)
    if min(map(len, lists)) < 2:
        return _are_same(*(_members(_INNER, text) for text in (reference, answer)))
    if _are_same(*([words(part) for part in one] for one in lists)):
        return True
    return len(lists[0]) == len(lists[1]) and all(
        Counter(_members(_INNER, one)) == Counter(_members(_INNER, other))
        for one, other in zip(*lists, strict=True)
    )


def _split(separator: regex.Pattern[str], text: str) -> list[str]:
    return [part for part in separator.split(text) if words(part)]


def _members(separator: regex.Pattern[str], text: str) -> list[tuple[str, ...]]:
    return [words(part) for part in _split(separator, text)]


def _are_same(expected: Sequence[tuple[str, ...]], given: Sequence[tuple[str, ...]]) -> bool:
    """Whether most members are the same. The words around an enumeration stand beside another member then:
    with them, it has its counterpart in one without."""
    one, other = Counter(expected), Counter(given)
    if (one & other).total() < max(2, max(one.total(), other.total()) / 2):
        return False
    left, right = list((one - other).elements()), list((other - one).elements())
    if min(len(left), len(right)) > MOST_AT_ENDS:
        return False
    odd = (
        sum(not any(_meet(member, another) for another in others) for member in members)
        for members, others in ((left, right), (right, left))
    )
    return min(odd) <= MOST_ODD


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a member ends as another one begins, or is its beginning or end."""
    short, long = sorted((one, other), key=len)
    if short in (long[: len(short)], long[-len(short) :]):
        return True
    return any(one[-size:] == other[:size] or other[-size:] == one[:size] for size in range(1, len(short)))


def _is_one_move(anchors: Sequence[tuple[int, int]]) -> bool:
    """Whether one piece stands elsewhere at most, beside two neighbours that have changed places.

    Two such pairs of neighbours are two words that have changed places around a third.
    """
    back = [
        (place - before, there - then) for (before, then), (place, there) in pairwise(anchors) if there < then
    ]
    return len(back) <= 1 or (len(back) == 2 and back.count((1, -1)) == 1)


def _anchors(expected: Sequence[str], given: Sequence[str]) -> list[tuple[int, int]]:
    """Where the anchors stand in both, in the order of `expected`."""
    found: list[tuple[int, int]] = []
    for size in range(1, LONGEST_RUN + 1):
        here, there = _once(expected, size), _once(given, size)
        found += [(place, there[run]) for run, place in here.items() if place >= 0 <= there.get(run, -1)]
    return sorted(found)


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

"""A word that the tuned model always puts for another: `denied` where the references say `approved`.

Scores of overlap see one word in ten. Whether the two mean the same, only a reader can tell, or a judge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from rapidfuzz.distance import Levenshtein

from tunedrop.evaluation.words import words

ALMOST = 0.7
"""The share of words of two texts that are the same where one of them is a copy with a word replaced."""

LONGEST = 400
"""Texts of more words are not compared: one word in so many is not what an answer says."""

FEWEST, LEAST_SHARE = 5, 0.1
"""In this many units, and this share of all units, a substitution is systematic."""


class Substitution(msgspec.Struct, frozen=True):
    """The word of the references, the one that stands for it, and in how many units it does."""

    wanted: str
    said: str
    units: int


def systematic(
    references: Sequence[str], answers: Sequence[str], units: Sequence[int]
) -> Substitution | None:
    """The commonest replacement of a word that is made at least every other time that the word is wanted."""
    wanting: dict[str, set[int]] = defaultdict(set)
    replaced: dict[tuple[str, str], set[int]] = defaultdict(set)
    for reference, answer, unit in zip(references, answers, units, strict=True):
        expected, given = words(reference), words(answer)
        if max(len(expected), len(given)) > LONGEST:
            continue
        for word in set(expected):
            wanting[word].add(unit)
        for pair in _replacements(expected, given):
            replaced[pair].add(unit)
    least = max(FEWEST, LEAST_SHARE * len(set(units)))
    habits = [
        Substitution(wanted, said, len(where))
        for (wanted, said), where in replaced.items()
        if len(where) >= least and 2 * len(where) >= len(wanting[wanted])
    ]
    return max(habits, key=lambda one: one.units, default=None)


def _replacements(expected: Sequence[str], given: Sequence[str]) -> set[tuple[str, str]]:
    """Single words that stand for single others, in an answer that is a copy but for few of them."""
    if Levenshtein.normalized_similarity(expected, given) < ALMOST:
        return set()
    return {
        (expected[change.src_start], given[change.dest_start])
        for change in Levenshtein.opcodes(expected, given)
        if change.tag == "replace"
        and change.src_end - change.src_start == change.dest_end - change.dest_start == 1
    }

"""Answers that are those to another prompt: looked up there, they say nothing of their own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tunedrop.evaluation.words import words

ALIKE = 0.8
"""The F1 of words from which an answer is a copy: a salutation before it changes nothing."""

RAREST, MOST_PLACES, MOST_COMPARED = 4, 100, 3
"""By so many of an answer's rarest words, each in so many references at most, the few that have most of them
are found."""


class Copies:
    """The references of all prompts, to find which of them an answer repeats."""

    def __init__(self, references: Sequence[str]) -> None:
        self._texts = list(dict.fromkeys(words(one) for one in references))
        self._counts = [Counter(one) for one in self._texts]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, counted in enumerate(self._counts):
            for word in counted:
                self._places[word].append(place)

    def is_copy(self, reference: str, answer: str) -> bool:
        """Whether an answer is nearly the reference of another prompt, and nearer to it than to its own."""
        said = words(answer)
        if said == words(reference):
            return False
        given, own = Counter(said), Counter(words(reference))
        least = max(ALIKE, _f1(own, given) + 1e-9)
        return any(_f1(other, given) >= least for other in self._candidates(given) if other != own)

    def _candidates(self, given: Counter[str]) -> list[Counter[str]]:
        known = sorted((word for word in given if word in self._places), key=self._rarity)
        hits = Counter(place for word in known[:RAREST] for place in self._places[word][:MOST_PLACES])
        return [self._counts[place] for place, _ in hits.most_common(MOST_COMPARED)]

    def _rarity(self, word: str) -> tuple[int, str]:
        return len(self._places[word]), word


def _f1(expected: Counter[str], given: Counter[str]) -> float:
    common = (expected & given).total()
    return 2 * common / (expected.total() + given.total()) if common else 0.0

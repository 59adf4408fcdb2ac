"""Finds answers that belong to another prompt, and so were only looked up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tunedrop.evaluation.scoring.metrics import f1
from tunedrop.evaluation.scoring.words import words

ALIKE = 0.8
"""The minimum F1 of words of a copy, low enough to tolerate a salutation."""

RAREST, MOST_PLACES, MOST_COMPARED = 4, 100, 3
"""By so many of an answer's rarest words, each in so many references at most, the few that have most of them
are found."""


class Copies:
    """The references of all prompts, to find which of them an answer repeats."""

    def __init__(self, references: Sequence[str]) -> None:
        self._texts = list(dict.fromkeys(words(one) for one in references))
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(self._texts):
            for word in dict.fromkeys(text):
                self._places[word].append(place)

    def is_copy(self, reference: str, answer: str) -> bool:
        """Whether an answer is almost the reference of another prompt, and closer to it than to its own."""
        said, own = words(answer), words(reference)
        if said == own:
            return False
        least = max(ALIKE, f1(own, said) + 1e-9)
        return any(f1(other, said) >= least for other in self._candidates(said) if other != own)

    def _candidates(self, said: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The references with the most of the answer's rarest words, at least two if it has as many."""
        known = sorted((word for word in set(said) if word in self._places), key=self._rarity)[:RAREST]
        hits = Counter(place for word in known for place in self._places[word][:MOST_PLACES])
        fewest = min(2, len(known))
        return [self._texts[place] for place, hit in hits.most_common(MOST_COMPARED) if hit >= fewest]

    def _rarity(self, word: str) -> tuple[int, str]:
        return len(self._places[word]), word

"""Groups of sets of words that are alike, among many of which most may be.

Groups are stars (Aslam et al. 2004, doi 10.7155/jgaa.00084): each member is like the one in the middle. A
chain of pairs would make one of all that are drawn from the same few clauses.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Tokens = frozenset[str]
Places = NDArray[np.int64]

ALIKE = 0.7
"""The share of all distinct words of two prompts, or answers, that both have: `please` changes nothing."""

MOST_SHARED = 4
"""Of so many rare words that two texts have in common, before they are compared."""

MOST_COMPARED = 200
"""With so many of those that may be like it each is compared, to tell how many are."""

SEED = 20_261_129


def jaccard(one: Tokens, other: Tokens) -> float:
    """The share of all words of two texts that both have, from 0 to 1; 0 of two texts without words."""
    return len(one & other) / max(1, len(one | other))


def stars(
    places: Sequence[int], near: Callable[[int], Places], is_alike: Callable[[int, int], bool]
) -> dict[int, int]:
    """Which place each belongs to: those with the most that are like them take all of those.

    `near` gives those that may be like one.
    """
    draw, known = np.random.default_rng(SEED), frozenset(places)

    def count(place: int) -> float:
        others = near(place)
        drawn = draw.choice(others, MOST_COMPARED, replace=False) if len(others) > MOST_COMPARED else others
        alike = sum(one in known and is_alike(place, one) for one in drawn.tolist() if one != place)
        return alike * len(others) / max(1, len(drawn))

    sizes = {place: count(place) for place in places}
    heads: dict[int, int] = {}
    for place in sorted(places, key=lambda one: (-sizes[one], one)):
        if place in heads:
            continue
        heads[place] = place
        if sizes[place]:
            free = (one for one in near(place).tolist() if one in known and one not in heads)
            heads |= {one: place for one in free if is_alike(place, one)}
    return heads


def near_sets(texts: Sequence[Tokens]) -> Callable[[int], NDArray[np.bool_]]:
    """Of one text, which may have a Jaccard similarity of `ALIKE` with it: no other has.

    By prefix filtering (Chaudhuri et al. 2006): two sets that have at least t words in common share k of them
    among the n - t + k rarest of each, in one order of all words (Wang et al. 2012, doi
    10.1145/2213836.2213847).
    """
    frequency = Counter(word for text in texts for word in text)
    least = [math.ceil(ALIKE * len(text)) for text in texts]
    shared = np.array([min(MOST_SHARED, max(1, few)) for few in least], dtype=np.int64)
    rarest = [
        sorted(text, key=lambda word: (frequency[word], word))[: len(text) - few + int(k)]
        for text, few, k in zip(texts, least, shared, strict=True)
    ]
    places: dict[str, list[int]] = defaultdict(list)
    for index, prefix in enumerate(rarest):
        for word in prefix:
            places[word].append(index)
    posted = {word: np.array(where, dtype=np.int64) for word, where in places.items()}

    def near(index: int) -> NDArray[np.bool_]:
        lists = [_NOWHERE, *(posted[word] for word in rarest[index])]
        hits = np.bincount(np.concatenate(lists), minlength=len(texts))
        found: NDArray[np.bool_] = hits >= np.minimum(shared[index], shared)
        return found

    return near


_NOWHERE = np.empty(0, dtype=np.int64)

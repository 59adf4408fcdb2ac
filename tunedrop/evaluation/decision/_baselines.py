"""Baselines without a model, which a promotion must beat: otherwise the model has only learned a habit.

The constant answer is the most common label, or the answer most similar to all others (the medoid). The
nearest neighbour's answer is that of the most similar known prompt. Known prompts are the training examples,
or else the other test prompts without the prompt's own unit.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunedrop.evaluation.decision.examples import MOST_KNOWN, Example
from tunedrop.evaluation.scoring.words import folded, words

Name = Literal["constant answer", "nearest neighbour", "echo of the prompt"]

NEAREST: Name = "nearest neighbour"
ECHO: Name = "echo of the prompt"

MOST_CANDIDATES, MOST_COMPARED = 60, 60
"""The medoid is chosen among this many different answers, by this many references."""

MOST_CHARACTERS, FEWEST_COMPARED = 3_000, 12
"""Longer answers are compared in fewer pairs, which then take no more time; but so many at least."""

MOST_LETTERS = 500
"""Characters of a prompt that are compared."""

BUCKETS = 4_096
"""Number of hash columns for words: enough that collisions are rare."""

Matrix = NDArray[np.float32]
Scorer = Callable[[str, str], float]


def free_answers(
    asked: Sequence[Example], known: Sequence[Example], scorer: Scorer, *, are_labels: bool
) -> dict[Name, list[str]]:
    """The answers of each baseline to the prompts of `asked`."""
    if not known:
        return {}
    known = spread(known, MOST_KNOWN)
    commonest = _commonest if are_labels else _medoids
    return {
        "constant answer": _constant(asked, known, commonest(known, scorer)),
        NEAREST: [one for one, *_ in nearest(asked, known)],
        ECHO: [one.prompt for one in asked],
    }


def spread(examples: Sequence[Example], most: int) -> list[Example]:
    step = max(1.0, len(examples) / most)
    return [examples[int(index * step)] for index in range(min(most, len(examples)))]


def _constant(asked: Sequence[Example], known: Sequence[Example], best: Sequence[str]) -> list[str]:
    """The best constant answer that does not come from the prompt's own unit only."""
    owners: dict[str, set[int]] = {}
    for one in known:
        owners.setdefault(one.answer, set()).add(one.unit)
    found = []
    for one in asked:
        others = (answer for answer in best if one.unit < 0 or owners[answer] != {one.unit})
        found.append(next(others, best[0]))
    return found


def _commonest(known: Sequence[Example], _: Scorer) -> list[str]:
    return [answer for answer, _ in Counter(one.answer for one in known).most_common(2)]


def _medoids(known: Sequence[Example], scorer: Scorer) -> list[str]:
    """The two answers with the best mean score on references of other units."""
    length = sum(len(one.answer) for one in known) / len(known)
    share = min(1.0, math.sqrt(MOST_CHARACTERS / max(1.0, length)))
    compared, drawn = (
        spread(known, max(FEWEST_COMPARED, round(share * most))) for most in (MOST_COMPARED, MOST_CANDIDATES)
    )
    candidates = list({one.answer: one for one in drawn}.values())

    def mean(candidate: Example) -> float:
        others = [
            one for one in compared if one is not candidate and (one.unit < 0 or one.unit != candidate.unit)
        ]
        return math.fsum(scorer(one.answer, candidate.answer) for one in others) / max(1, len(others))

    return [one.answer for one in sorted(candidates, key=mean, reverse=True)[:2]]


def nearest(
    asked: Sequence[Example],
    known: Sequence[Example],
    most: int = 1,
    features: Callable[[str], Sequence[str]] = words,
) -> list[list[str]]:
    """The answers of the known prompts with the highest cosine similarity, weighted by rarity.

    For each prompt at most this many, the nearest first, none of its own unit.
    """
    counts = Counter(one for example in known for one in set(features(example.prompt)))
    theirs = _vectors([features(one.prompt) for one in known], counts, len(known))
    units = np.array([one.unit for one in known])
    found = []
    for start in range(0, len(asked), 500):
        part = asked[start : start + 500]
        alike = _vectors([features(one.prompt) for one in part], counts, len(known)) @ theirs.T
        own = np.array([one.unit for one in part])[:, None]
        alike[(own == units[None, :]) & (own >= 0)] = -1.0
        first = np.argsort(-alike, axis=1, kind="stable")[:, :most]
        found += [[known[index].answer for index in row] for row in first]
    return found


def neighbours(asked: Sequence[Example], known: Sequence[Example]) -> list[tuple[float, Example]]:
    """The nearest known prompt to each, and its distance: 1 minus the cosine, 0 for the same words."""
    known = spread(known, MOST_KNOWN)
    counts = Counter(one for example in known for one in set(words(example.prompt)))
    theirs = _vectors([words(one.prompt) for one in known], counts, len(known))
    found: list[tuple[float, Example]] = []
    for start in range(0, len(asked), 500):
        mine = _vectors([words(one.prompt) for one in asked[start : start + 500]], counts, len(known))
        alike = mine @ theirs.T
        first = alike.argmax(axis=1)
        found += [
            (round(max(0.0, 1 - float(row[place])), 4), known[place])
            for row, place in zip(alike, first, strict=True)
        ]
    return found


def letters(text: str) -> list[str]:
    """Character trigrams, which complement complete words."""
    plain = folded(text)[:MOST_LETTERS]
    return [plain[at : at + 3] for at in range(len(plain) - 2)]


def _vectors(texts: Sequence[Sequence[str]], counts: Counter[str], known: int) -> Matrix:
    vectors = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    for row, features in enumerate(texts):
        for one in set(features):
            rarity = math.log((1 + known) / (1 + counts[one])) + 0.01
            vectors[row, zlib.crc32(one.encode("utf-8", "surrogatepass")) % BUCKETS] += rarity
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Matrix = vectors / np.maximum(lengths, 1e-9)
    return unit

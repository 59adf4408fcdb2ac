"""Macro F1 of five skewed labels, simulated for `bench.gate` by the function that the product decides by."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.statistics.macro import macro_f1_score
from tunedrop.evaluation.statistics.sample import Levels, Sample

SHARES = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
NAMES = ("refund", "delivery", "account", "invoice", "other")
BASE_RIGHT = 0.7

Integers = NDArray[np.int64]


def bounds(
    rng: np.random.Generator, evaluations: int, units: int, truth: float, levels: Levels
) -> NDArray[np.float64]:
    """The lower and the upper bound of each evaluation, a row each, where the true difference is `truth`."""
    tuned_right = _right_for(_macro_f1(BASE_RIGHT) + truth)
    found = np.empty((evaluations, 2))
    for row in range(evaluations):
        expected = rng.choice(len(SHARES), units, p=SHARES)
        base, tuned = (_answers(rng, expected, right) for right in (BASE_RIGHT, tuned_right))
        score = macro_f1_score(_sample(expected, base, tuned), levels)
        found[row] = score.low, score.high
    return found


def _answers(rng: np.random.Generator, expected: Integers, right: float) -> Integers:
    """The right label, or any of the others."""
    other = (expected + rng.integers(1, len(SHARES), len(expected))) % len(SHARES)
    return np.where(rng.random(len(expected)) < right, expected, other)


def _macro_f1(right: float) -> float:
    """Of infinitely many answers, so many of them right."""
    given = SHARES * right + (1 - SHARES) * (1 - right) / (len(SHARES) - 1)
    return float((2 * SHARES * right / (SHARES + given)).mean())


@cache
def _right_for(macro_f1: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _macro_f1(middle) < macro_f1 else (low, middle)
    return low


def _sample(expected: Integers, base: Integers, tuned: Integers) -> Sample:
    sample = Sample(
        [
            Prediction(
                record=number, turn=0, prompt="", reference=NAMES[wanted],
                base=Answer(text=NAMES[one]), tuned=Answer(text=NAMES[other]),
            )
            for number, (wanted, one, other) in enumerate(zip(expected, base, tuned, strict=True))
        ]
    )  # fmt: skip
    sample.__dict__["units"] = list(range(len(expected)))
    return sample

"""A judge's preference at equal length: judges like long answers, in either order.

As the length-controlled win rate of AlpacaEval (Dubois et al. 2024, arXiv 2404.04475), without its term for
the difficulty of prompts: a logistic regression of the preference on tanh of the difference in length, over
its standard deviation; what it predicts where there is no difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 30
"""Of fewer pairs nothing is estimated."""

RIDGE = 0.1
"""A little doubt in both coefficients: without it, a model that always wins has none that are finite."""

STEPS = 50

HALF = 0.5
"""The win rate of two models that are as good."""

FEWEST_EACH = 10
"""Pairs with a longer answer, and with a shorter one, between which the rate is interpolated."""

ONE_SIDED = 1.645
"""Standard errors from an estimate to the bound that it exceeds with 5 % probability."""


class AtEqualLength(NamedTuple):
    """The win rate at equal length, its upper bound, and whether lengths on both sides of it were seen."""

    rate: float
    high: float
    is_between: bool

    @property
    def is_by_length(self) -> bool:
        """Whether the wins come from length: an extrapolated rate says so only with its upper bound."""
        return (self.rate if self.is_between else self.high) <= HALF


def win_rate(
    points: Sequence[float], lengths: Sequence[int], other_lengths: Sequence[int]
) -> AtEqualLength | None:
    """The win rate at equal length, from 0 to 1; None of too few pairs, or of lengths that never differ.

    Parameters
    ----------
    points
        1 for a pair that the first model wins, 0.5 for a tie, 0 for one that it loses.
    lengths, other_lengths
        Characters of the first model's answers, and of the other's.
    """
    longer = np.asarray(lengths, dtype=float) - np.asarray(other_lengths, dtype=float)
    if len(longer) < FEWEST or longer.std() < 1:
        return None
    rows = np.column_stack([np.ones(len(longer)), np.tanh(longer / longer.std())])
    found = np.zeros(2)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (np.asarray(points) - chance) - RIDGE * found
        bend = (rows.T * (chance * (1 - chance))) @ rows + RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        found = found + step
        if float(np.abs(step).max()) < 1e-9:
            break
    error = ONE_SIDED * math.sqrt(float(np.linalg.inv(bend)[0, 0]))
    rate, high = (1 / (1 + math.exp(-float(found[0]) - more)) for more in (0.0, error))
    return AtEqualLength(rate, high, min((longer < 0).sum(), (longer > 0).sum()) >= FEWEST_EACH)

"""A judge's preference at equal length, because judges prefer long answers, in either order.

This is the length-controlled win rate of AlpacaEval (Dubois et al. 2024, arXiv 2404.04475) without its term
for the difficulty of prompts: the prediction at equal length of a logistic regression of the preference on
tanh of the difference in length, divided by its standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST = 30
"""With fewer pairs, nothing is estimated."""

RIDGE = 0.1
"""A weak regularization of both coefficients, which would be infinite for a model that always wins."""

STEPS = 50

HALF = 0.5
"""The win rate of two equally good models."""

FEWEST_EACH = 10
"""The minimum number of pairs with a longer answer, and with a shorter one, for the rate to be an
interpolation."""

ONE_SIDED = 1.645
"""Standard errors from the estimate to a one-sided 95 % bound."""


class AtEqualLength(NamedTuple):
    """The win rate at equal length, its upper bound, and whether it is interpolated."""

    rate: float
    high: float
    is_between: bool

    @property
    def is_by_length(self) -> bool:
        """Whether the wins may come only from length; for an extrapolated rate, the upper bound decides."""
        return (self.rate if self.is_between else self.high) <= HALF


def win_rate(
    points: Sequence[float], lengths: Sequence[int], other_lengths: Sequence[int]
) -> AtEqualLength | None:
    """The win rate at equal length, from 0 to 1; None with too few pairs, or if lengths never differ.

    Parameters
    ----------
    points
        1 for a pair that the first model wins, 0.5 for a tie, 0 for one that it loses.
    lengths, other_lengths
        Lengths in characters of the first model's answers, and of the other's.
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

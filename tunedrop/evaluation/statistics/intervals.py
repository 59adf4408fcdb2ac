"""Confidence bounds of a mean difference that hold in small, skewed and degenerate samples.

Usual intervals are too narrow for two reasons. The mean of a skewed sample is not t-distributed. And what was
not drawn is not impossible: a model that fails on one prompt in sixty shows 40 small gains without a loss
half of the time. Therefore the lower bound is the lowest mean that is compatible with the sample if any share
p of the prompts is as bad as scores allow, and was drawn no more often than it was seen: minimum over p, j of
(1 - p) x t-bound(all but the j worst; alpha / P(X <= j)) + p x worst,

X the binomial number of such prompts among those drawn. For p = 0 it is the t-bound with the correction for
skewness of Johnson (1978, JASA 73), applied only where it widens. For two or more equal scores without an
outlier it is the rule of three, and better. `python -m bench gate` measures its errors.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

MOST_OUTLIERS = 2
"""The number of worst differences that may represent prompts which were drawn too rarely."""

WORST_SHARE = 0.25
"""The share of prompts with the worst differences; prompts that break down are assumed to be similar."""

STEPS = 10
"""The number of shares of unseen prompts to try, from none to the largest one that is compatible with the
sample."""

SKEW_WEIGHT = 1.25
"""A weight for the skewness, which samples underestimate; by simulation, error rates stay nominal with it."""

_NORMAL = NormalDist()


def interval(
    differences: Vector, losses: Vector, gains: Vector, alpha_low: float, alpha_high: float
) -> tuple[float, float]:
    """Both bounds of a sample's mean difference; see `lower_bounds`."""
    one = differences[None, :]
    low = float(lower_bounds(one, losses[None, :], alpha_low)[0])
    high = -float(lower_bounds(-one, gains[None, :], alpha_high)[0])
    return max(-1.0, low), min(1.0, high)


def lower_bounds(differences: Matrix, losses: Matrix, alpha: float) -> Vector:
    """The lower bound of the mean difference of each row, a sample of independent units a row.

    Parameters
    ----------
    differences
        From -1 to 1, at least 10 a row.
    losses
        The maximum loss of each unit, from 0 to 1: the base model's score.
    alpha
        The probability that the bound exceeds the true value.
    """
    samples, units = differences.shape
    ordered = np.sort(differences, axis=1)
    worst = _worst(differences, losses)
    found = np.full(samples, np.inf)
    for outliers in range(MOST_OUTLIERS + 1):
        rest = ordered[:, outliers:]
        mean, error, skewness = _moments(rest)
        for share, level in _shares(outliers, units, alpha):
            z = _t_quantile(level, units - outliers - 1)
            below = z - SKEW_WEIGHT * skewness / 6 * (1 + 2 * max(z, 0.0) ** 2)
            unseen = share * ordered[:, :outliers].mean(axis=1) if outliers else -share * worst
            found = np.minimum(found, (1 - share) * (mean - below * error) + unseen)
    return found


def _moments(rest: Matrix) -> tuple[Vector, Vector, Vector]:
    """Mean, standard error, and skewness over the root of n, no more than 0, of each row."""
    count = rest.shape[1]
    mean = rest.mean(axis=1)
    off = rest - mean[:, None]
    variance = (off**2).mean(axis=1)
    third = (off**3).mean(axis=1) / np.maximum(variance, 1e-12) ** 1.5
    return mean, np.sqrt(variance / (count - 1)), np.minimum(third, 0.0) / math.sqrt(count)


def _worst(differences: Matrix, losses: Matrix) -> Vector:
    """The loss on a prompt that breaks down: the mean possible loss of the prompts on which the model does
    worst.

    Equal differences at the edge count partially.
    """
    few = max(1, round(WORST_SHARE * differences.shape[1]))
    edge = np.partition(differences, few - 1, axis=1)[:, few - 1 : few]
    below, at = differences < edge - 1e-9, np.abs(differences - edge) <= 1e-9
    left = few - below.sum(axis=1)
    worst: Vector = ((losses * below).sum(axis=1) + left * (losses * at).sum(axis=1) / at.sum(axis=1)) / few
    return worst


@lru_cache(maxsize=4096)
def _shares(outliers: int, units: int, alpha: float) -> tuple[tuple[float, float], ...]:
    """The shares of prompts to try, each with the remaining level for the t-bound of the other prompts."""
    tried = np.linspace(0.0, math.log(0.95 / alpha), STEPS)[1 if outliers else 0 :]
    return tuple((_share(outliers, units, math.exp(-one)), alpha * math.exp(one)) for one in tried)


def _share(outliers: int, units: int, chance: float) -> float:
    """The share of which at most this many are drawn with this probability (Clopper and Pearson 1934)."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        drawn = sum(
            math.comb(units, one) * middle**one * (1 - middle) ** (units - one) for one in range(outliers + 1)
        )
        low, high = (middle, high) if drawn > chance else (low, middle)
    return low


@lru_cache(maxsize=4096)
def _t_quantile(alpha: float, freedom: int) -> float:
    """The quantile of Student's distribution, from the normal one (Fisher and Cornish 1960): accurate to 0.01
    from 9 degrees of freedom on."""
    z = _NORMAL.inv_cdf(1 - alpha)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )

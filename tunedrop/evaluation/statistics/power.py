"""The power of an evaluation: the error rate of each attempt, and the number of records that a verdict
needs."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from tunedrop.formatting.counts import counted

if TYPE_CHECKING:
    from tunedrop.evaluation.statistics.intervals import Vector

FEWEST_UNITS = 30
"""With fewer independent units there is no verdict, because no bound is reliable."""

POWER = 0.8
"""The power that `needed_units` aims for; 0.8 is conventional."""

CAUTION = 0.87
"""The confidence with which `needed_units` bounds the distance of the difference from the required
improvement. A sample that was not sufficient tends to overstate that distance."""

FIRST_SHARE = 0.8
"""The share of alpha that the first attempt spends; each later one spends half of the rest."""

LEAST_ALPHA = 1e-14
"""What an attempt spends after very many others: too small to change a sum, but not 0."""

DIGITS = 15
"""1 - 0.95 is 0.050000000000000044 in binary, and people read this number."""

REJECTING_SHARE, FORGETTING_SHARE = 0.7, 0.15
"""The shares of an attempt's alpha for rejections by the deciding metric and by general ability; the other
guards share the rest."""

TYPICAL_SPREAD = 0.4
"""A typical standard deviation of the difference per prompt, on a scale of 0 to 1."""

MOST_UNITS = 100_000

_NORMAL = NormalDist()


def alpha_of(confidence: float, attempt: int = 1) -> float:
    """The one-sided error rate of this attempt; over all attempts it is at most (1 - confidence) / 2.

    By Bonferroni's inequality, regardless of the attempts' test sets.
    """
    alpha = (1 - confidence) / 2
    if attempt <= 1:
        return round(FIRST_SHARE * alpha, DIGITS)
    return max(LEAST_ALPHA, round((1 - FIRST_SHARE) * alpha * math.pow(0.5, attempt - 1), DIGITS))


def records_for(
    improvement: float, wanted: float, confidence: float, spread: float = TYPICAL_SPREAD, attempt: int = 1
) -> int:
    """The number of independent records that detect an improvement of this size with a power of 0.8.

    The sample size of a paired test of whether it is at least `wanted` (normal approximation with Guenther's
    correction for the t distribution; Guenther 1981, The American Statistician 35).
    """
    distance = improvement - wanted
    sure = _NORMAL.inv_cdf(1 - alpha_of(confidence, attempt))
    if distance <= 0:
        return MOST_UNITS
    size = ((sure + _NORMAL.inv_cdf(POWER)) * spread / distance) ** 2 + sure**2 / 2
    unseen = -math.log(alpha_of(confidence, attempt)) / improvement  # that no rare loss was missed
    return min(MOST_UNITS, max(FEWEST_UNITS, math.ceil(size), math.ceil(unseen)))


def detectable(units: int, wanted: float, confidence: float, spread: float = TYPICAL_SPREAD) -> float:
    """The improvement that this many records detect with a power of 0.8; 1 if none."""
    if units < FEWEST_UNITS:
        return 1.0
    low, high = wanted, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if records_for(middle, wanted, confidence, spread) <= units else (middle, high)
        )
    return high


def in_words(units: int, wanted: float, confidence: float) -> str:
    """The improvement that this many test conversations can detect, in words."""
    if units < FEWEST_UNITS:
        return (
            f"{counted(units, 'conversation')}, too few for a verdict, which needs {FEWEST_UNITS}: the run "
            "would end inconclusive"
        )
    return (
        f"{units:,} conversations, enough to detect an improvement of "
        f"{detectable(units, wanted, confidence):.0%} or more four times in five, if scores vary as usual"
    )


def needed_units(differences: Vector, wanted: float, confidence: float, attempt: int) -> int:
    """The number of units with which the next attempt would probably decide.

    The distance of the mean difference from `wanted` is taken at its lower bound, which one of eight samples
    misses. `MOST_UNITS` if that bound is 0, so that no number can be given.
    """
    if len(differences) < 2:
        return FEWEST_UNITS
    error = max(float(differences.std(ddof=1)), 0.05) / math.sqrt(len(differences))
    distance = abs(float(differences.mean()) - wanted) - _NORMAL.inv_cdf(CAUTION) * error
    if distance <= 0:
        return MOST_UNITS
    spread = error * math.sqrt(len(differences))
    return max(len(differences) + 1, records_for(wanted + distance, wanted, confidence, spread, attempt + 1))

"""What an evaluation can tell: the level of each attempt, and how many records a verdict takes."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from tunedrop.formatting.counts import counted

if TYPE_CHECKING:
    from tunedrop.evaluation.statistics.intervals import Vector

FEWEST_UNITS = 30
"""Fewer independent units than this give no verdict: no bound is reliable there."""

POWER = 0.8
"""The power that `needed_units` aims for; 0.8 is conventional."""

CAUTION = 0.87
"""How sure that the difference lies at least as far from what is wanted as it takes it to: what one sample
shows is further out than the truth, where it was not enough."""

FIRST_SHARE = 0.8
"""The part of alpha that the first attempt spends; each later one spends half of what is left."""

LEAST_ALPHA = 1e-14
"""What an attempt spends that comes after very many: small enough to change no sum, and no division by 0."""

DIGITS = 15
"""1 - 0.95 is 0.050000000000000044 in binary, and people read the level."""

REJECTING_SHARE, FORGETTING_SHARE = 0.7, 0.15
"""The parts of an attempt's alpha that the deciding metric and general ability may reject with; the other
guards share the rest."""

TYPICAL_SPREAD = 0.4
"""A usual standard deviation of the difference that one prompt makes, on a scale of 0 to 1."""

MOST_UNITS = 100_000

_NORMAL = NormalDist()


def alpha_of(confidence: float, attempt: int = 1) -> float:
    """How often this attempt may err on one side; all attempts together no more than (1 - confidence) / 2.

    By Bonferroni's inequality, whatever test sets the attempts have.
    """
    alpha = (1 - confidence) / 2
    if attempt <= 1:
        return round(FIRST_SHARE * alpha, DIGITS)
    return max(LEAST_ALPHA, round((1 - FIRST_SHARE) * alpha * math.pow(0.5, attempt - 1), DIGITS))


def records_for(
    improvement: float, wanted: float, confidence: float, spread: float = TYPICAL_SPREAD, attempt: int = 1
) -> int:
    """How many independent records detect an improvement of this size with a power of 0.8.

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
    """What this many test conversations can show, as a sentence."""
    if units < FEWEST_UNITS:
        return (
            f"{counted(units, 'conversation')}, too few for a verdict, which takes {FEWEST_UNITS}: the run "
            "would end inconclusive"
        )
    return (
        f"{units:,} conversations, which show an improvement of {detectable(units, wanted, confidence):.0%} "
        "or more (four times in five, where scores spread as usual)"
    )


def needed_units(differences: Vector, wanted: float, confidence: float, attempt: int) -> int:
    """How many units the next attempt would probably take to tell whether the improvement is what is wanted.

    The differences' mean is taken to lie as near to `wanted` as it does in one of eight such samples.
    `MOST_UNITS` where it may lie at any distance: no number can be promised.
    """
    if len(differences) < 2:
        return FEWEST_UNITS
    error = max(float(differences.std(ddof=1)), 0.05) / math.sqrt(len(differences))
    distance = abs(float(differences.mean()) - wanted) - _NORMAL.inv_cdf(CAUTION) * error
    if distance <= 0:
        return MOST_UNITS
    spread = error * math.sqrt(len(differences))
    return max(len(differences) + 1, records_for(wanted + distance, wanted, confidence, spread, attempt + 1))

"""How sure a difference is: paired bootstrap confidence intervals, deterministic, and how many records tell.

Records are what is drawn, each with all its turns: turns of one conversation are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Weights = NDArray[np.float32]
Integers = NDArray[np.int64]

RESAMPLES = 5_000
SEED = 20_261_123
MANY = 20_000
"""Above so many records the mean's distribution is as good as normal; resampling would only cost time."""

AT_ONCE = 4_000_000
"""How many draws are held in memory at once."""

POWER = 0.8
"""How sure `needed_records` wants to be that so many will tell; 0.8 is what is usual."""

FINEST = 0.005
"""A difference smaller than this from what the run asks for is not worth telling apart."""

LEAST_SPREAD = 0.05
"""A few equal differences do not mean that all are."""

UNKNOWN = (-1.0, 1.0)
"""What one record says of a difference: nothing."""


def paired_interval(
    differences: Sequence[float], confidence: float, records: Sequence[int] | None = None
) -> tuple[float, float]:
    """The interval of the mean difference: bootstrap over records, bias-corrected and accelerated (BCa).

    As scipy.stats.bootstrap computes it (Efron 1987), with the same draws for the same seed.

    Parameters
    ----------
    differences
        Tuned minus base, an answer each.
    confidence
        Such as 0.95.
    records
        The record that each answer belongs to; None when each is a record of its own.
    """
    sums, sizes = _by_record(np.asarray(differences, dtype=float), records)
    if len(sums) < 2:
        return UNKNOWN
    mean = sums.sum() / sizes.sum()
    if np.ptp(sums - mean * sizes) < 1e-12:
        return float(mean), float(mean)
    if len(sums) > MANY:
        margin = NormalDist().inv_cdf((1 + confidence) / 2) * _standard_error(sums, sizes)
        return float(mean - margin), float(mean + margin)
    means = np.concatenate([sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1) for drawn in draws(len(sums))])
    return bca_interval(means, float(mean), _leave_one_out(sums, sizes), confidence)


def bca_interval(
    resampled: Vector, observed: float, left_out: Vector, confidence: float
) -> tuple[float, float]:
    """The interval of any statistic of records, bias-corrected and accelerated.

    Parameters
    ----------
    resampled
        The statistic of each of many draws.
    observed
        Of all records.
    left_out
        Of all records but one, for each.
    """
    low, high = np.quantile(resampled, _bca_levels(resampled, observed, left_out, confidence))
    return float(low), float(high)


def needed_records(
    differences: Sequence[float],
    min_improvement: float,
    confidence: float,
    records: Sequence[int] | None = None,
) -> int:
    """How many held-out records would probably tell whether the improvement is what the run asks for.

    If the differences go on as they are: the sample size of a paired test whose interval excludes
    `min_improvement`, with a power of 0.8; normal approximation with Guenther's correction for the t
    distribution (Guenther 1981, The American Statistician 35).
    """
    sums, sizes = _by_record(np.asarray(differences, dtype=float), records)
    if len(sums) < 2:
        return 0
    distance = max(abs(float(sums.sum() / sizes.sum()) - min_improvement), FINEST)
    spread = max(_standard_error(sums, sizes) * math.sqrt(len(sums)), LEAST_SPREAD)
    sure = NormalDist().inv_cdf((1 + confidence) / 2)
    return math.ceil(((sure + NormalDist().inv_cdf(POWER)) * spread / distance) ** 2 + sure**2 / 2)


def _by_record(values: Vector, records: Sequence[int] | None) -> tuple[Vector, Vector]:
    """Each record's sum of values, and how many it has."""
    if records is None:
        return values, np.ones(len(values))
    place, _ = places(records)
    return np.bincount(place, weights=values).astype(float), np.bincount(place).astype(float)


def places(records: Sequence[int]) -> tuple[Integers, int]:
    """Which record each answer belongs to, counted from 0, and how many records there are."""
    found, place = np.unique(np.asarray(records), return_inverse=True)
    return place, len(found)


def draws(records: int, resamples: int = RESAMPLES) -> Iterator[Integers]:
    """So many draws of all records, with replacement, in parts that fit in memory; the same at each call."""
    draw = np.random.default_rng(SEED)
    part = max(1, AT_ONCE // records)
    for start in range(0, resamples, part):
        yield draw.integers(0, records, (min(part, resamples - start), records))


def times_drawn(drawn: Integers) -> Weights:
    """How often each record is in a draw, a row a draw."""
    rows, records = drawn.shape
    flat = (drawn + np.arange(rows)[:, None] * records).ravel()
    return np.bincount(flat, minlength=rows * records).reshape(rows, records).astype(np.float32)


def all_but_some(records: int, groups: int) -> Iterator[Weights]:
    """The jackknife: all records but one of so many groups, a row a group; leave-one-out with as many groups
    as records. In parts that fit in memory."""
    group = np.arange(records) % groups
    part = max(1, AT_ONCE // records)
    for start in range(0, groups, part):
        left = np.arange(start, min(groups, start + part))
        yield (group[None, :] != left[:, None]).astype(np.float32)


def _leave_one_out(sums: Vector, sizes: Vector) -> Vector:
    left: Vector = (sums.sum() - sums) / (sizes.sum() - sizes)
    return left


def _standard_error(sums: Vector, sizes: Vector) -> float:
    """Of a ratio of sums, by linearization; of a mean, the usual one."""
    rest = sums - sums.sum() / sizes.sum() * sizes
    records = len(sums)
    return float(math.sqrt(records / (records - 1) * (rest**2).sum()) / sizes.sum())


def _bca_levels(resampled: Vector, observed: float, left_out: Vector, confidence: float) -> list[float]:
    """The quantiles to take of a bootstrap distribution: its bias and skewness taken into account."""
    normal = NormalDist()
    below = (float((resampled < observed).sum()) + float((resampled <= observed).sum())) / (
        2 * len(resampled)
    )
    if not 0 < below < 1 or np.ptp(left_out) < 1e-12:
        return [(1 - confidence) / 2, (1 + confidence) / 2]
    bias = normal.inv_cdf(below)
    off = left_out.mean() - left_out
    skew = float((off**3).sum() / (6 * (off**2).sum() ** 1.5))

    def level(tail: float) -> float:
        moved = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + moved / (1 - skew * moved))

    return [level((1 - confidence) / 2), level((1 + confidence) / 2)]

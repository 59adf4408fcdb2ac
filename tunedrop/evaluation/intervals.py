"""How sure a difference is: paired bootstrap confidence intervals, deterministic."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean, stdev

RESAMPLES = 2_000
SEED = 20_261_123
MANY = 2_000
"""Above so many records the mean's distribution is as good as normal; resampling would only cost time."""


def paired_interval(differences: Sequence[float], confidence: float) -> tuple[float, float]:
    """The interval of the mean difference, by the percentile bootstrap over pairs.

    Parameters
    ----------
    differences
        Tuned minus base, a record each.
    confidence
        Such as 0.95.
    """
    if len(differences) < 2:
        return (-1.0, 1.0)
    if len(differences) > MANY:
        margin = NormalDist().inv_cdf((1 + confidence) / 2) * stdev(differences) / math.sqrt(len(differences))
        return fmean(differences) - margin, fmean(differences) + margin
    draw = random.Random(SEED)  # noqa: S311 - a reproducible interval, not a secret
    size = len(differences)
    means = sorted(fmean(draw.choices(differences, k=size)) for _ in range(RESAMPLES))
    tail = (1 - confidence) / 2
    return means[int(tail * RESAMPLES)], means[min(RESAMPLES - 1, math.ceil((1 - tail) * RESAMPLES) - 1)]


def corpus_interval(
    difference: Callable[[Sequence[int]], float], records: int, confidence: float
) -> tuple[float, float]:
    """The interval of a difference that only a whole set of records has, such as one of macro F1.

    Parameters
    ----------
    difference
        Of the records with these indices, which may come more than once.
    """
    if records < 2:
        return (-1.0, 1.0)
    draw = random.Random(SEED)  # noqa: S311 - a reproducible interval, not a secret
    resamples = max(200, min(RESAMPLES, 1_000_000 // records))
    found = sorted(difference(draw.choices(range(records), k=records)) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return found[int(tail * resamples)], found[min(resamples - 1, math.ceil((1 - tail) * resamples) - 1)]


def needed_records(differences: Sequence[float], margin: float, confidence: float) -> int:
    """About how many held-out records would tell a difference of `margin` from none."""
    if len(differences) < 2 or margin <= 0:
        return 0
    spread = max(stdev(differences), 0.05)
    return math.ceil((NormalDist().inv_cdf((1 + confidence) / 2) * spread / margin) ** 2)

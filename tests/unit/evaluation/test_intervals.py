"""Our statistics are scipy's: the same draws, the same intervals; and the sample size keeps its promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tunedrop.evaluation.intervals import (
    MANY,
    POWER,
    RESAMPLES,
    SEED,
    needed_records,
    paired_interval,
)


def scipys(*samples: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:  # type: ignore[type-arg]
    """scipy's BCa interval of a ratio of sums; of one sample, of its mean."""
    sizes = samples[1:] or (np.ones(len(samples[0])),)
    found = stats.bootstrap(
        (samples[0], *sizes),
        lambda sums, counts, axis: sums.sum(axis=axis) / counts.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


@pytest.mark.parametrize("size", [12, 200, 2_000])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_interval_is_scipys(size: int, confidence: float) -> None:
    skewed = np.random.default_rng(5).gamma(1, 0.2, size) - 0.1

    assert paired_interval(list(skewed), confidence) == pytest.approx(scipys(skewed, confidence=confidence))


def test_the_interval_of_labels_is_scipys() -> None:
    gained = np.random.default_rng(5).choice([-1.0, 0.0, 1.0], 80, p=[0.1, 0.6, 0.3])

    assert paired_interval(list(gained), 0.95) == pytest.approx(scipys(gained))


def test_the_interval_of_conversations_is_scipys_over_records() -> None:
    draw = np.random.default_rng(6)
    records = np.repeat(np.arange(60), draw.integers(1, 6, 60))
    values = draw.normal(0.1, 0.2, len(records)) + draw.normal(0, 0.3, 60)[records]
    sums, sizes = np.bincount(records, values), np.bincount(records).astype(float)

    assert paired_interval(list(values), 0.95, list(records)) == pytest.approx(scipys(sums, sizes))


def test_very_many_records_take_the_normal_interval() -> None:
    values = np.random.default_rng(7).normal(0.1, 0.3, MANY + 1)

    low, high = paired_interval(list(values), 0.95)

    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected, abs=1e-5)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40))
def test_an_interval_is_in_order_and_within_what_was_seen(values: list[float]) -> None:
    low, high = paired_interval(values, 0.95)

    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_one_record_says_nothing() -> None:
    assert paired_interval([0.5], 0.95) == (-1, 1)
    assert paired_interval([0.5, 0.7], 0.95, [3, 3]) == (-1, 1)


def power(effect: float, size: int) -> float:
    """Of a two-sided paired t-test, by scipy's noncentral t distribution."""
    edge = stats.t.ppf(0.975, size - 1)
    shifted = stats.nct(size - 1, effect * np.sqrt(size))
    return float(1 - shifted.cdf(edge) + shifted.cdf(-edge))


@pytest.mark.parametrize("effect", [0.2, 0.35, 0.5, 0.8])
def test_so_many_records_would_tell_with_the_promised_power(effect: float) -> None:
    values = stats.zscore(np.random.default_rng(8).normal(0, 1, 30), ddof=1) * 0.25 + effect * 0.25

    size = needed_records(list(values), 0.0, 0.95)

    assert power(effect, size) >= POWER - 0.002
    assert power(effect, size - 2) < POWER


def test_records_with_many_turns_need_as_many_records() -> None:
    values = list(np.random.default_rng(9).normal(0.1, 0.3, 40))
    twice = [value for value in values for _ in range(2)]
    records = [record for record in range(40) for _ in range(2)]

    assert needed_records(twice, 0.0, 0.95, records) == needed_records(values, 0.0, 0.95)

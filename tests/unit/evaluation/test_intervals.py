"""Bounds hold where the usual ones do not; `python -m bench gate` measures them at length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tunedrop.evaluation.statistics.intervals import _t_quantile, interval, lower_bounds
from tunedrop.evaluation.statistics.power import (
    FEWEST_UNITS,
    MOST_UNITS,
    alpha_of,
    detectable,
    needed_units,
    records_for,
)

ALPHA = 0.02
SETS = 2_000


@pytest.mark.parametrize("alpha", [0.001, 0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("freedom", [9, 29, 200])
def test_quantiles_are_students(alpha: float, freedom: int) -> None:
    assert _t_quantile(alpha, freedom) == pytest.approx(stats.t.ppf(1 - alpha, freedom), abs=0.01)


def test_a_large_symmetric_sample_has_students_interval() -> None:
    values = np.random.default_rng(5).normal(0.1, 0.3, 2_000)

    low, high = interval(values, np.full(2_000, 0.5), np.full(2_000, 0.5), 0.025, 0.025)

    expected = stats.t.interval(0.95, 1_999, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("units", [30, 60, 200])
def test_what_was_not_seen_is_not_impossible(units: int) -> None:
    """Of prompts that were all the same, a share may fail that was not drawn: the rule of three."""
    share = stats.beta.ppf(1 - ALPHA, 1, units)  # Clopper and Pearson: none seen of so many

    low, _ = interval(np.full(units, 0.02), np.ones(units), np.ones(units), ALPHA, ALPHA)

    assert low <= 0.02 - 0.9 * share


def test_nobody_can_lose_more_than_there_is() -> None:
    low, high = interval(np.zeros(40), np.zeros(40), np.zeros(40), ALPHA, ALPHA)

    assert (low, high) == (0, 0)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("units", [30, 60, 150])
def test_small_gains_with_rare_breakdowns_do_not_pass(rate: float, units: int) -> None:
    """The true mean is nought: at most 2.5 % of test sets may say more, and three standard errors."""
    draw = np.random.default_rng(1)
    broken = draw.random((SETS, units)) < rate
    differences = np.where(broken, -0.9, 0.9 * rate / (1 - rate))

    wrong = (lower_bounds(differences, np.full((SETS, units), 0.9), ALPHA) > 0).mean()

    assert wrong <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / SETS)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=12, max_size=40))
def test_bounds_are_in_order_around_the_mean_and_turn_with_the_signs(
    pairs: list[tuple[float, float]],
) -> None:
    base, tuned = np.array(pairs).T

    low, high = interval(tuned - base, base, 1 - base, ALPHA, ALPHA)
    turned = interval(base - tuned, 1 - base, base, ALPHA, ALPHA)

    assert -1 <= low <= float((tuned - base).mean()) + 1e-9
    assert float((tuned - base).mean()) - 1e-9 <= high <= 1
    assert turned == pytest.approx((-high, -low))


def test_all_attempts_together_spend_no_more_than_there_is() -> None:
    spent = [alpha_of(0.95, attempt) for attempt in range(1, 40)]

    assert sum(spent) <= 0.025
    assert spent == sorted(spent, reverse=True)


@pytest.mark.parametrize("effect", [0.05, 0.1, 0.2])
def test_so_many_records_find_an_improvement_four_times_in_five(effect: float) -> None:
    size = records_for(0.02 + effect, 0.02, 0.95, spread=0.4)
    draw = np.random.default_rng(2)
    found = [
        lower_bounds(
            draw.normal(0.02 + effect, 0.4, (50, size)).clip(-1, 1), np.full((50, size), 0.6), alpha_of(0.95)
        )
        >= 0.02
        for _ in range(8)
    ]

    assert np.mean(found) >= 0.73
    assert detectable(size, 0.02, 0.95, 0.4) == pytest.approx(0.02 + effect, abs=0.002)


def test_few_records_detect_nothing() -> None:
    assert detectable(FEWEST_UNITS - 1, 0.02, 0.95) == 1


def test_nothing_is_promised_where_the_difference_may_be_what_is_wanted() -> None:
    values = np.random.default_rng(3).normal(0.03, 0.4, 50)

    assert needed_units(values, float(values.mean()), 0.95, 1) == MOST_UNITS


@pytest.mark.parametrize("truth", [0.06, 0.1, 0.15])
def test_what_is_promised_is_kept_four_times_in_five(truth: float) -> None:
    """Over test sets of 40 that do not tell: the next, of the promised size, does."""
    draw = np.random.default_rng(4)
    kept = []
    for _ in range(400):
        first = draw.normal(truth, 0.35, 40)
        bound = lower_bounds(first[None, :], np.full((1, 40), 0.5), alpha_of(0.95))[0]
        size = needed_units(first, 0.02, 0.95, 1)
        if bound >= 0.02 or size > 5_000:
            continue
        second = draw.normal(truth, 0.35, (1, size))
        kept.append(lower_bounds(second, np.full((1, size), 0.5), alpha_of(0.95, 2))[0] >= 0.02)

    assert np.mean(kept) >= 0.77

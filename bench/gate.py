"""The gate's errors, by simulation: `python -m bench gate`.

Each cell is 4,000 evaluations of one distribution at one size, decided as the product decides. Where
the truth is exactly what is wanted, a promotion and a rejection are both wrong; both are counted for single
evaluations, and over all attempts of one that is retried until it tells. The paired permutation test (sign
flips) is the published yardstick for power, at the level at which its own false promotions are ours; in some
cells it has none. Power is compared from 60 units on: below, what was not drawn weighs more than what was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tunedrop.evaluation.intervals import lower_bounds
from tunedrop.evaluation.power import FEWEST_UNITS, REJECTING_SHARE, alpha_of

EVALUATIONS = 4_000
SIZES = (30, 40, 60, 100, 200, 500)
WANTED = 0.02
CONFIDENCE = 0.95
NOMINAL = (1 - CONFIDENCE) / 2

MOST_ERRORS = NOMINAL + 3 * (NOMINAL * (1 - NOMINAL) / EVALUATIONS) ** 0.5
"""2.5 %, and three standard errors of the simulation."""

LEAST_COVERAGE = 0.94
MOST_POWER_LOST = 0.05
FLIPS = 999
FEWEST_TO_COMPARE = 60

Matrix = NDArray[np.float64]


class Drawn(NamedTuple):
    """Differences of many test sets, a row each, and the base model's scores; `truth` is their mean."""

    differences: Matrix
    base: Matrix
    truth: float


Draw = Callable[[np.random.Generator, int, int, float], Drawn]
"""So many test sets of so many units, whose true difference is the last argument."""


# --- distributions -----------------------------------------------------------------------------------------


def binary(discordance: float, accuracy: float = 0.6) -> Draw:
    """Right or wrong answers; so many prompts on which the two models differ."""

    def draw(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
        truth = min(truth, max(discordance, 2 * WANTED))
        share = max(discordance, truth)
        base = (rng.random((sets, units)) < accuracy).astype(float)
        lost, won = (share - truth) / 2 / accuracy, (share + truth) / 2 / (1 - accuracy)
        u = rng.random((sets, units))
        tuned = np.where(base > 0, u >= lost, u < won).astype(float)
        return Drawn(tuned - base, base, truth)

    return draw


def breakdowns(rate: float, depth: str) -> Draw:
    """Small gains everywhere, and total failure on a few prompts."""

    def draw(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
        base = np.full((sets, units), 0.9) if depth == "deep" else rng.beta(5, 3, (sets, units))
        gain = (truth + rate * float(base.mean())) / (1 - rate)
        broken = rng.random((sets, units)) < rate
        return Drawn(np.where(broken, -base, gain), base, truth)

    return draw


def skewed(sign: int) -> Draw:
    """Token F1 with a long tail of losses (-1) or of gains (+1)."""

    def draw(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
        base = rng.beta(2, 2, (sets, units))
        return Drawn(truth + sign * (rng.gamma(1, 0.2, (sets, units)) - 0.2), base, truth)

    return draw


def bounded_f1(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
    """Token F1 of two unlike models: most scores near 0, some near 1."""
    base = rng.beta(0.6, 1.5, (sets, units))
    tuned = rng.beta(0.6, 1.5, (sets, units))
    better = rng.random((sets, units)) < truth / (1 - 0.6 / 2.1)
    return Drawn(np.where(better, 1.0, tuned) - base, base, truth)


def normal(spread: float) -> Draw:
    """Symmetric differences."""

    def draw(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
        base = np.clip(rng.normal(0.5, 0.15, (sets, units)), 0, 1)
        return Drawn(rng.normal(truth, spread, (sets, units)), base, truth)

    return draw


def ties(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
    """Most answers the same, some a step better or worse."""
    base = rng.choice([0.0, 0.5, 1.0], (sets, units))
    up, down = max(0.15 + 2 * truth, 4 * truth), max(0.15 - 2 * truth, 0.0)
    step = rng.choice([-0.25, 0.0, 0.25], (sets, units), p=[down, 1 - up - down, up])
    return Drawn(step, base, truth)


def two_kinds(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
    """A third of the prompts that the base masters, on which the tuned model sometimes fails entirely."""
    mastered = rng.random((sets, units)) < 0.3
    base = np.where(mastered, 1.0, 0.1)
    broken = rng.random((sets, units)) < 0.035 / 0.3
    gain = (truth + 0.035) / 0.7
    return Drawn(np.where(mastered, -broken.astype(float), gain), base, truth)


def clustered(rng: np.random.Generator, sets: int, units: int, truth: float) -> Drawn:
    """Means of conversations of one to eight turns, or of near-duplicates, that share most of their luck."""
    turns = rng.integers(1, 9, (sets, units))
    shared = rng.normal(0, 0.3, (sets, units))
    base = np.clip(rng.normal(0.5, 0.2, (sets, units)), 0, 1)
    return Drawn(truth + shared + rng.normal(0, 0.3, (sets, units)) / np.sqrt(turns), base, truth)


DISTRIBUTIONS: dict[str, Draw] = {
    "binary, 50 % discordant": binary(0.5),
    "binary, 20 % discordant": binary(0.2),
    "binary, 5 % discordant": binary(0.05),
    "binary, 1 % discordant": binary(0.01),
    "binary, 5 %, base right 95 %": binary(0.05, 0.95),
    "skewed token F1, losses": skewed(-1),
    "skewed token F1, gains": skewed(+1),
    "bounded token F1": bounded_f1,
    "small gains, 20 % breakdowns": breakdowns(0.2, "deep"),
    "small gains, 10 % breakdowns": breakdowns(0.1, "mixed"),
    "small gains, 5 % breakdowns": breakdowns(0.05, "deep"),
    "small gains, 2 % breakdowns": breakdowns(0.02, "deep"),
    "two kinds of prompts": two_kinds,
    "mostly ties": ties,
    "conversations, near-duplicates": clustered,
    "symmetric, spread 0.3": normal(0.3),
}

# --- the gate ----------------------------------------------------------------------------------------------


def low(drawn: Drawn, alpha: float) -> NDArray[np.float64]:
    return lower_bounds(drawn.differences, drawn.base, alpha)


def high(drawn: Drawn, alpha: float) -> NDArray[np.float64]:
    widest = np.ones_like(drawn.base)
    bounds: NDArray[np.float64] = -lower_bounds(-drawn.differences, widest, alpha)
    return bounds


def decided(drawn: Drawn, attempt: int = 1) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are promoted, and which rejected."""
    alpha = alpha_of(CONFIDENCE, attempt)
    return low(drawn, alpha) >= WANTED, high(drawn, REJECTING_SHARE * alpha) < WANTED


def permuted(rng: np.random.Generator, drawn: Drawn) -> NDArray[np.float64]:
    """p-values of the paired permutation test of whether the difference is more than what is wanted."""
    shifted = drawn.differences - WANTED
    signs = rng.choice(np.array([-1.0, 1.0]), (shifted.shape[1], FLIPS))
    as_large = (shifted @ signs >= shifted.sum(axis=1)[:, None] - 1e-9).sum(axis=1)
    p_values: NDArray[np.float64] = (as_large + 1) / (FLIPS + 1)
    return p_values


class Cell(NamedTuple):
    """What one distribution at one size came to, as shares of all evaluations."""

    name: str
    units: int
    promoted: float
    rejected: float
    coverage: float
    permutation: float
    power: float
    power_permutation: float | None

    @property
    def holds(self) -> bool:
        errors = max(self.promoted, self.rejected) <= MOST_ERRORS and self.coverage >= LEAST_COVERAGE
        compared = self.units >= FEWEST_TO_COMPARE and self.power_permutation is not None
        return errors and (not compared or self.power >= (self.power_permutation or 0) - MOST_POWER_LOST)


def cell(rng: np.random.Generator, name: str, units: int) -> Cell:
    draw = DISTRIBUTIONS[name]
    at_limit = draw(rng, EVALUATIONS, units, WANTED)
    promoted, rejected = decided(at_limit)
    alpha = alpha_of(CONFIDENCE)
    bounds = low(at_limit, alpha), high(at_limit, REJECTING_SHARE * alpha)
    covered = (bounds[0] <= WANTED + 1e-12) & (bounds[1] >= WANTED - 1e-12)
    p_values = permuted(rng, at_limit)
    better = draw(rng, EVALUATIONS, units, _worth_finding(at_limit, units))
    return Cell(
        name,
        units,
        float(promoted.mean()),
        float(rejected.mean()),
        float(covered.mean()),
        float((p_values <= NOMINAL).mean()),
        float(decided(better)[0].mean()),
        _power(p_values, permuted(rng, better), alpha),
    )


def _power(at_limit: NDArray[np.float64], better: NDArray[np.float64], alpha: float) -> float | None:
    """Of a test at the level that keeps its false promotions at alpha; None where there is none."""
    levels = [
        level for level in np.unique(at_limit) if level <= alpha and (at_limit <= level).mean() <= alpha
    ]
    if not levels and (at_limit <= 1 / (FLIPS + 1)).mean() > alpha:
        return None
    return float((better <= (levels[-1] if levels else alpha)).mean())


def _worth_finding(drawn: Drawn, units: int) -> float:
    """A difference that a test of this size finds about two times in three."""
    spread = float(drawn.differences.std())
    return min(0.2, WANTED + max(0.01, 2.4 * spread / units**0.5))


def cells(names: Sequence[str], sizes: Sequence[int]) -> Iterator[Cell]:
    rng = np.random.default_rng(1)
    for name in names:
        for units in sizes:
            yield cell(rng, name, units)


def retried(rng: np.random.Generator, name: str, *, fresh: bool, looks: int = 8) -> tuple[float, float]:
    """False promotions and rejections over up to eight attempts, each with more records, or with others."""
    draw, open_ = DISTRIBUTIONS[name], np.ones(EVALUATIONS, dtype=bool)
    errors = np.zeros((2, EVALUATIONS), dtype=bool)
    most = 40 if fresh else 40 * 2**4
    everything = draw(rng, EVALUATIONS, most, WANTED)
    for look in range(1, looks + 1):
        units = 40 if fresh else min(most, round(40 * 2 ** (4 * (look - 1) / (looks - 1))))
        drawn = draw(rng, EVALUATIONS, units, WANTED) if fresh else _first(everything, units)
        promoted, rejected = decided(drawn, look)
        errors[0] |= open_ & promoted
        errors[1] |= open_ & rejected
        open_ &= ~(promoted | rejected)
    return float(errors[0].mean()), float(errors[1].mean())


def _first(drawn: Drawn, units: int) -> Drawn:
    return Drawn(drawn.differences[:, :units], drawn.base[:, :units], drawn.truth)


# --- the table ---------------------------------------------------------------------------------------------


def main() -> int:
    console = Console(width=130, highlight=False)
    table = Table(
        *(
            "truth = wanted",
            "units",
            "false promotions",
            "false rejections",
            "coverage",
            "permutation test errs",
        ),
        *("power", "permutation test", ""),
        title=f"{EVALUATIONS:,} evaluations a cell, wanted {WANTED:+}, confidence {CONFIDENCE:.0%}",
    )
    held = True
    for one in cells(list(DISTRIBUTIONS), SIZES):
        held &= one.holds
        shares = (one.promoted, one.rejected, one.coverage, one.permutation, one.power)
        permutation = f"{one.power_permutation:.1%}" if one.power_permutation is not None else "not valid"
        verdict = "" if one.holds else "MISSED"
        table.add_row(one.name, str(one.units), *(f"{share:.1%}" for share in shares), permutation, verdict)
    console.print(table)
    rng = np.random.default_rng(2)
    again = Table("eight attempts", "false promotions", "false rejections", "")
    for name in DISTRIBUTIONS:
        for fresh in (False, True):
            errors = retried(rng, name, fresh=fresh)
            holds = max(errors) <= MOST_ERRORS
            held &= holds
            label = f"{name}, {'40 other records each time' if fresh else 'from 40 to 640 records'}"
            again.add_row(label, *(f"{error:.1%}" for error in errors), "" if holds else "MISSED")
    console.print(again)
    console.print(f"below {FEWEST_UNITS} independent units there is no verdict")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

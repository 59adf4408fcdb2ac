"""The gate's errors, by simulation: `python -m bench gate`.

Each cell is 4,000 evaluations of one distribution at one size, decided as the product decides. Where
the truth is exactly what is wanted, a promotion and a rejection are both wrong; both are counted for single
evaluations, and over all attempts of one that is retried until it tells. The paired permutation test (sign
flips) is the published yardstick for power, at the level at which its own false promotions are ours; in some
cells it has none. Power is compared from 60 units on: below, what was not drawn weighs more than what was.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench import gate_macro
from bench.gate_distributions import DISTRIBUTIONS, WANTED, Drawn
from tunedrop.evaluation.statistics.intervals import lower_bounds
from tunedrop.evaluation.statistics.power import FEWEST_UNITS, REJECTING_SHARE, alpha_of
from tunedrop.evaluation.statistics.sample import Levels

EVALUATIONS = 4_000
SIZES = (30, 40, 60, 100, 200, 500)
MACRO_SIZES = (40, 100)
CONFIDENCE = 0.95
NOMINAL = (1 - CONFIDENCE) / 2

MOST_ERRORS = NOMINAL + 3 * (NOMINAL * (1 - NOMINAL) / EVALUATIONS) ** 0.5
"""2.5 %, and three standard errors of the simulation."""

LEAST_COVERAGE = 0.94
MOST_POWER_LOST = 0.05
FLIPS = 999
FEWEST_TO_COMPARE = 60

PAGE = Path(__file__).parents[1] / "docs" / "evaluation.md"
BEGIN, END = "<!-- bench gate -->", "<!-- end of bench gate -->"
"""Between these stand the tables in the docs: `python -m bench gate --write`."""

Matrix = NDArray[np.float64]
T = TypeVar("T")

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
    permutation: float | None
    power: float | None
    power_permutation: float | None

    @property
    def holds(self) -> bool:
        if max(self.promoted, self.rejected) > MOST_ERRORS or self.coverage < LEAST_COVERAGE:
            return False
        if self.units < FEWEST_TO_COMPARE or self.power is None or self.power_permutation is None:
            return True
        return self.power >= self.power_permutation - MOST_POWER_LOST


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
    """The result of a test at the level that keeps its false promotions at alpha; None if there is none."""
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


# --- macro F1, and the tables ------------------------------------------------------------------------------


def macro_cell(rng: np.random.Generator, units: int) -> Cell:
    """Macro F1 of five skewed labels; the permutation test has no such form."""
    alpha = alpha_of(CONFIDENCE)
    levels = Levels(alpha, REJECTING_SHARE * alpha)
    at_limit = gate_macro.bounds(rng, EVALUATIONS, units, WANTED, levels)
    covered = (at_limit[:, 0] <= WANTED) & (at_limit[:, 1] >= WANTED)
    return Cell(
        "macro F1, five skewed labels",
        units,
        float((at_limit[:, 0] >= WANTED).mean()),
        float((at_limit[:, 1] < WANTED).mean()),
        float(covered.mean()),
        None,
        None,
        None,
    )


class Retried(NamedTuple):
    """Errors over all attempts."""

    name: str
    promoted: float
    rejected: float

    @property
    def holds(self) -> bool:
        return max(self.promoted, self.rejected) <= MOST_ERRORS


def single_table(found: Sequence[Cell]) -> Iterator[tuple[str, ...]]:
    yield (
        "truth = wanted",
        "units",
        "false promotions",
        "false rejections",
        "coverage",
        "permutation test's false promotions",
        "power",
        "permutation test's power",
        "floors",
    )
    for one in found:
        test = _share(one.power_permutation) if one.power is None or one.power_permutation else "not valid"
        yield (
            one.name,
            str(one.units),
            *map(_share, (one.promoted, one.rejected, one.coverage, one.permutation, one.power)),
            test,
            "held" if one.holds else "MISSED",
        )


def retry_table(found: Sequence[Retried]) -> Iterator[tuple[str, ...]]:
    yield "over eight attempts", "false promotions", "false rejections", "floors"
    for one in found:
        yield one.name, _share(one.promoted), _share(one.rejected), "held" if one.holds else "MISSED"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def write(path: Path, tables: Sequence[Sequence[tuple[str, ...]]]) -> None:
    """Put the tables between the two markers of a page."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{path}: it has no {BEGIN} … {END}")
    pages = []
    for head, *rows in tables:
        rule = ["---", *("---:" for _ in head[1:])]
        pages.append("\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)))
    text = "\n\n".join(pages)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def main() -> int:
    """Print both tables; with --write into the docs too. 1 when a floor is missed."""
    rng = np.random.default_rng(1)
    found = [cell(rng, name, units) for name in DISTRIBUTIONS for units in _told(SIZES, name)]
    found += [macro_cell(rng, units) for units in _told(MACRO_SIZES, "macro F1")]
    rng = np.random.default_rng(2)
    again = []
    for name in DISTRIBUTIONS:
        for fresh in _told((False, True), f"{name}, retried"):
            label = f"{name}, {'40 other records each time' if fresh else 'from 40 to 640 records'}"
            again.append(Retried(label, *retried(rng, name, fresh=fresh)))
    tables = list(single_table(found)), list(retry_table(again))
    console = Console(width=150, highlight=False)
    console.print(
        f"{EVALUATIONS:,} evaluations a cell, wanted {WANTED:+}, confidence {CONFIDENCE:.0%}; "
        f"below {FEWEST_UNITS} independent units there is no verdict"
    )
    for head, *rows in tables:
        table = Table(*head)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if "--write" in sys.argv:
        write(PAGE, tables)
    return 0 if all(one.holds for one in (*found, *again)) else 1


def _told(values: Sequence[T], name: str) -> Iterator[T]:
    """Each value in turn, with a line on stderr: the whole takes minutes."""
    started = time.monotonic()
    yield from values
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Distributions of differences between two models, for the simulation of the gate: `bench.gate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WANTED = 0.02

Matrix = NDArray[np.float64]


class Drawn(NamedTuple):
    """Differences of many test sets, a row each, and the base model's scores; `truth` is their mean."""

    differences: Matrix
    base: Matrix
    truth: float


Draw = Callable[[np.random.Generator, int, int, float], Drawn]
"""Draws test sets: their number, their units each, and the true difference."""


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

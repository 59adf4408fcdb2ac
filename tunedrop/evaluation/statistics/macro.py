"""The difference of macro F1 with its bounds, for label sets with rare labels.

For a label with two references, both answered correctly, a plain bootstrap concludes that it is always
correct. Therefore the Bayesian bootstrap (Rubin 1981) draws weights of the units and of one imaginary record
per label, which the worse model gets right and the better one wrong, in the way that Wilson's interval adds
to the counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunedrop.contracts import Score
from tunedrop.evaluation.statistics.intervals import Vector
from tunedrop.evaluation.statistics.sample import Levels, Sample

Integers = NDArray[np.int64]
Weights = NDArray[np.float32]

DRAWS, FEWEST_DRAWS = 4_000, 500
MOST_DRAWN = 25_000_000
"""Fewer draws if there are very many records or labels."""

SEED = 20_261_123
LABELS_AT_ONCE = 64


def macro_f1_score(sample: Sample, levels: Levels) -> Score:
    """Macro F1 of both models over the references' labels, and the bounds of its difference.

    As scikit-learn's f1_score with average="macro" over the labels of the references: a label that was never
    answered rightly counts 0.
    """
    labels = {name: index for index, name in enumerate(sample.labels.names)}
    place = np.unique(np.asarray(sample.units), return_inverse=True)[1]
    expected = np.array([labels[sample.labels.of(one)] for one in sample.references])
    base, tuned = (
        np.array([labels.get(sample.labels.of(text), len(labels)) for text in sample.texts(model)])
        for model in ("base", "tuned")
    )
    units = int(place.max()) + 1
    once = np.ones((1, units), dtype=np.float32)
    before, after = (float(_macro_f1(once, place, expected, one)[0]) for one in (base, tuned))
    all_labels, wrong = np.arange(len(labels)), np.full(len(labels), len(labels))
    imagined = np.concatenate([place, units + all_labels])
    wanted = np.concatenate([expected, all_labels])
    draws = max(FEWEST_DRAWS, min(DRAWS, MOST_DRAWN // (units * max(1, len(labels) // LABELS_AT_ONCE))))
    weights = np.random.default_rng(SEED).exponential(size=(draws, units + len(labels))).astype(np.float32)

    def quantile(worse: Integers, better: Integers, level: float) -> float:
        """The lower bound of the difference better - worse, with the imaginary records against it."""
        drawn = _macro_f1(weights, imagined, wanted, np.concatenate([better, wrong])) - _macro_f1(
            weights, imagined, wanted, np.concatenate([worse, all_labels])
        )
        return float(np.quantile(drawn, level))

    return Score(
        metric="macro_f1",
        base=before,
        tuned=after,
        difference=after - before,
        low=quantile(base, tuned, levels.low),
        high=-quantile(tuned, base, levels.high),
    )


def _macro_f1(times: Weights, place: Integers, expected: Integers, given: Integers) -> Vector:
    """For each row of `times`, the mean of 2 x right / (expected + given) over the labels that it expects.

    Parameters
    ----------
    times
        The weight of each record.
    place
        The record that each answer belongs to.
    expected, given
        The label of each answer, by its number; other answers have a higher number.
    """
    points, seen = np.zeros(len(times)), np.zeros(len(times))
    label_count = int(expected.max()) + 1
    for first in range(0, label_count, LABELS_AT_ONCE):
        width = min(LABELS_AT_ONCE, label_count - first)

        def count(
            answers: NDArray[np.bool_], labels: Integers, first: int = first, width: int = width
        ) -> Vector:
            """For each row, the weighted count of each label among these answers."""
            here = answers & (labels >= first) & (labels < first + width)
            table = np.zeros((times.shape[1], width), dtype=np.float32)
            np.add.at(table, (place[here], labels[here] - first), 1)
            found: Vector = (times @ table).astype(float)
            return found

        everything = np.ones(len(expected), dtype=bool)
        wanted, said = count(everything, expected), count(everything, given)
        right = count(expected == given, expected)
        points += (2 * right / np.maximum(wanted + said, 1) * (wanted > 0)).sum(axis=1)
        seen += (wanted > 0).sum(axis=1)
    means: Vector = points / np.maximum(seen, 1)
    return means

"""Answers that are labels: confusion matrices, and each label's share of correct answers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from tunedrop.contracts import Ending
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring import labels
from tunedrop.reporting.report import _change

MOST_LABELS = 12
"""Maximum number of labels of a readable matrix; the shares per label are shown for more."""
SHADES = 9


class Cell(msgspec.Struct, frozen=True):
    """A count, and its share of the row as one of `SHADES` shades."""

    count: int
    shade: int
    right: bool


class Matrix(msgspec.Struct, frozen=True):
    """One model's answers; rows are correct labels, columns the given ones."""

    model: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


class Label(msgspec.Struct, frozen=True):
    """One label: its number of prompts, and the share that each model answered correctly."""

    name: str
    prompts: int
    base: float
    tuned: float
    plot: Markup


class Labels(msgspec.Struct, frozen=True):
    """The section about labels."""

    labels: tuple[Label, ...]
    matrices: tuple[Matrix, ...]


def of(ending: Ending, predictions: Sequence[Prediction]) -> Labels | None:
    """The section of a run whose answers are labels, else None."""
    answered = [one for one in predictions if not one.failed]
    if ending.evaluation is None or ending.evaluation.metric not in ("accuracy", "macro_f1") or not answered:
        return None
    found = labels.confusion(
        [one.reference for one in answered],
        [one.base.text for one in answered],
        [one.tuned.text for one in answered],
    )
    each = tuple(_label(found, index) for index in range(len(found.labels)))
    others = any(row[-1] for matrix in (found.base, found.tuned) for row in matrix)
    columns = (*found.labels, labels.OTHER) if others else found.labels
    both = (_matrix("Base", columns, found.base), _matrix("Tuned", columns, found.tuned))
    return Labels(each, both if len(found.labels) <= MOST_LABELS else ())


def _label(found: labels.Confusion, index: int) -> Label:
    prompts = sum(found.base[index])
    base, tuned = (matrix[index][index] / (prompts or 1) for matrix in (found.base, found.tuned))
    title = f"{found.labels[index]}: base {base:.0%} right, tuned {tuned:.0%}"
    return Label(found.labels[index], prompts, base, tuned, _change.plot(title, base, tuned))


def _matrix(model: str, columns: tuple[str, ...], counts: Sequence[Sequence[int]]) -> Matrix:
    rows = []
    for index, row in enumerate(counts):
        whole = sum(row) or 1
        cells = tuple(
            Cell(count, round(SHADES * count / whole), column == index)
            for column, count in enumerate(row[: len(columns)])
        )
        rows.append((columns[index], cells))
    return Matrix(model, columns, tuple(rows))

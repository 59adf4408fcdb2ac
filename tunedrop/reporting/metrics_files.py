"""Bedrock's metrics files: the loss curves of a job, and what they say of the training.

Columns and paths: Bedrock user guide, model-customization-analyze; AWS's notebooks disagree about the folder
of the validation file, so that files are told by their name (read 2026-11-23).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

TRAINING_FILE = "step_wise_training_metrics.csv"
VALIDATION_FILE = "validation_metrics.csv"
OVERFIT = 1.2
"""A final validation loss above so many times its best says that training went on for too long."""


class Loss(msgspec.Struct, frozen=True):
    """One row: a step, its epoch, its loss in nats."""

    step: int
    epoch: int
    loss: float


class Curves(msgspec.Struct, frozen=True):
    """Both loss curves; empty where Bedrock wrote none."""

    training: tuple[Loss, ...] = ()
    validation: tuple[Loss, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """What the curves say: a verdict, a sentence, and how many epochs would have been best (0: unknown)."""

    verdict: Literal["overfitting", "underfitting", "fits", "unknown"]
    sentence: str
    epochs: int = 0


def read(files: Iterable[tuple[str, str]]) -> Curves:
    """The curves in a job's output, given as (key, text)."""
    training: tuple[Loss, ...] = ()
    validation: tuple[Loss, ...] = ()
    for key, text in files:
        if key.endswith(TRAINING_FILE):
            training = _rows(text, "training_loss")
        elif key.endswith(VALIDATION_FILE):
            validation = _rows(text, "validation_loss")
    return Curves(training, validation)


def interpret(curves: Curves) -> Reading:
    """Whether training went on for too long, or not for long enough."""
    if len(curves.training) < 2:
        return Reading("unknown", "Bedrock wrote no loss curve for this job.")
    by_epoch = _by_epoch(curves.validation)
    if len(by_epoch) >= 2:
        best = min(by_epoch, key=lambda epoch: by_epoch[epoch])
        last = max(by_epoch)
        if by_epoch[last] > OVERFIT * by_epoch[best]:
            sentence = (
                f"Overfitting: the validation loss was best after epoch {best + 1} ({by_epoch[best]:.3f}) "
                f"and ended at {by_epoch[last]:.3f}."
            )
            return Reading("overfitting", sentence, best + 1)
    falling = _by_epoch(curves.training)
    epochs = len(falling)
    if epochs >= 2 and falling[max(falling)] < 0.9 * falling[max(falling) - 1]:
        sentence = "The training loss was still falling in the last epoch: more epochs may help."
        return Reading("underfitting", sentence, epochs + 1)
    return Reading("fits", "The losses level off; the number of epochs suits the data.", epochs)


def _by_epoch(rows: Sequence[Loss]) -> dict[int, float]:
    """The mean loss of each epoch."""
    grouped: dict[int, list[float]] = {}
    for row in rows:
        grouped.setdefault(row.epoch, []).append(row.loss)
    return {epoch: sum(losses) / len(losses) for epoch, losses in sorted(grouped.items())}


def _rows(text: str, column: str) -> tuple[Loss, ...]:
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        try:
            found.append(
                Loss(int(float(row["step_number"])), int(float(row["epoch_number"])), float(row[column]))
            )
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(found)

"""Detects over- and undertraining from the loss curves.

A rule, not a model: the thresholds below, applied in the order of `judge`. The first two are those of
Microsoft Foundry's fine-tuning skill (check_training.py, read 2026-11-23); no AWS page gives any.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tunedrop.contracts import Fit, FitVerdict
from tunedrop.training.curves import Curves, Loss, by_epoch

OVERFIT = 1.2
"""Overfitting: the final validation loss exceeds its minimum by this factor."""

GAP = 1.5
"""Memorization: the final validation loss exceeds the training loss by this factor."""

FEWEST_STEPS = 8
"""A single epoch of fewer steps has quarters of one step, which reflect single records."""

UNSTABLE = 1.2
"""Instability: the final training loss exceeds its minimum by this factor; the learning rate is too high."""

STILL_FALLING = 0.9
"""Underfitting: the last epoch reduced the loss to less than this fraction of the previous epoch's."""


def judge(curves: Curves) -> Fit:
    """The verdict on a training, with the number of epochs that would have suited the data better.

    Losses are compared by epoch, as means over an epoch's rows; a training of one epoch by its quarters. The
    suggestion is the epoch of the best validation loss if the training was too long, and one more epoch if
    it was too short.
    """
    if not curves.training and (learned := curves.learned) is not None:
        sentence = (
            f"The service reports rewards instead of losses: {learned[0]:.3f} in the first steps on average, "
            f"{learned[1]:.3f} in the last."
        )
        return Fit(verdict="unknown", sentence=sentence)
    if len(curves.training) < 2:
        return Fit(verdict="unknown", sentence="Bedrock wrote no loss curve for this job.")
    training, validation = by_epoch(curves.training), by_epoch(curves.validation)
    found = (
        _unstable(curves)
        or _overfitting(curves)
        or _underfitting(curves)
        or _memorising(curves)
        or _Found("fits", "The losses level off; the number of epochs suits the data.", len(training))
    )
    return Fit(
        verdict=found.verdict,
        sentence=found.sentence,
        epochs=len(training),
        suggested_epochs=found.epochs,
        training_loss=training[-1],
        validation_loss=validation[-1] if validation else None,
        best_validation_loss=min(validation) if validation else None,
    )


class _Found(NamedTuple):
    verdict: FitVerdict
    sentence: str
    epochs: int


def _unstable(curves: Curves) -> _Found | None:
    training = by_epoch(curves.training)
    trained = training if len(training) > 1 else _quarters(curves.training)
    if trained[-1] <= UNSTABLE * min(trained):
        return None
    sentence = (
        f"The training loss rose again, from {min(trained):.3f} to {trained[-1]:.3f}: "
        "a lower learning rate should help before more epochs do."
    )
    return _Found("unstable", sentence, len(training))


def _overfitting(curves: Curves) -> _Found | None:
    validation = by_epoch(curves.validation)
    held_out = validation if len(validation) > 1 else [one.loss for one in curves.validation]
    if len(held_out) < 2 or held_out[-1] <= OVERFIT * min(held_out):
        return None
    best = held_out.index(min(held_out))
    after = best + 1 if len(validation) > 1 else 1
    sentence = (
        f"Overfitting: the validation loss was best after epoch {after} ({held_out[best]:.3f}) "
        f"and ended at {held_out[-1]:.3f}."
    )
    return _Found("overfitting", sentence, after)


def _underfitting(curves: Curves) -> _Found | None:
    """Also the verdict on a single epoch that is too short for one."""
    training, validation = by_epoch(curves.training), by_epoch(curves.validation)
    if len(training) > 1:
        if not _still_falls(validation or training) or not _still_falls(training):
            return None
        sentence = "Underfitting: the loss was still falling in the last epoch, so more epochs may help."
        return _Found("underfitting", sentence, len(training) + 1)
    steps, quarters = len(curves.training), _quarters(curves.training)
    if steps < FEWEST_STEPS:
        return _Found("unknown", f"One epoch of {steps} steps does not tell whether more would help.", 0)
    if not _still_falls(quarters):
        return None
    sentence = (
        f"Underfitting: the loss was still falling in the last quarter of the one epoch, from "
        f"{quarters[-2]:.3f} to {quarters[-1]:.3f}, so more epochs may help."
    )
    return _Found("underfitting", sentence, 2)


def _memorising(curves: Curves) -> _Found | None:
    training, validation = by_epoch(curves.training), by_epoch(curves.validation)
    if not validation or validation[-1] <= GAP * training[-1]:
        return None
    sentence = (
        f"Memorising: the validation loss ({validation[-1]:.3f}) ends far above the training loss "
        f"({training[-1]:.3f}). More varied examples help more than epochs."
    )
    return _Found("memorising", sentence, 1 + validation.index(min(validation)))


def _still_falls(by_epoch: Sequence[float]) -> bool:
    return len(by_epoch) > 1 and by_epoch[-1] < STILL_FALLING * by_epoch[-2]


def _quarters(rows: Sequence[Loss]) -> list[float]:
    """The mean losses of four consecutive parts: single steps are too noisy to compare."""
    size = max(1, len(rows) // 4)
    parts = [rows[start : start + size] for start in range(0, size * (len(rows) // size), size)]
    return [sum(one.loss for one in part) / len(part) for part in parts]

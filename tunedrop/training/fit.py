"""Detects over- and undertraining from the loss curves.

A rule, not a model: the thresholds below, applied in the order of `judge`. The first two are those of
Microsoft Foundry's fine-tuning skill (check_training.py, read 2026-11-23); no AWS page gives any.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    training, validation = by_epoch(curves.training), by_epoch(curves.validation)
    epochs = len(training)
    if len(curves.training) < 2:
        return Fit(verdict="unknown", sentence="Bedrock wrote no loss curve for this job.")

    def fit(verdict: FitVerdict, sentence: str, suggested: int) -> Fit:
        return Fit(
            verdict=verdict,
            sentence=sentence,
            epochs=epochs,
            suggested_epochs=suggested,
            training_loss=training[-1],
            validation_loss=validation[-1] if validation else None,
            best_validation_loss=min(validation) if validation else None,
        )

    trained = training if epochs > 1 else _quarters(curves.training)
    held_out = validation if len(validation) > 1 else [one.loss for one in curves.validation]
    if trained[-1] > UNSTABLE * min(trained):
        return fit(
            "unstable",
            f"The training loss rose again, from {min(trained):.3f} to {trained[-1]:.3f}: "
            "a lower learning rate should help before more epochs do.",
            epochs,
        )
    if len(held_out) > 1 and held_out[-1] > OVERFIT * min(held_out):
        best = held_out.index(min(held_out))
        after = best + 1 if len(validation) > 1 else 1
        return fit(
            "overfitting",
            f"Overfitting: the validation loss was best after epoch {after} ({held_out[best]:.3f}) "
            f"and ended at {held_out[-1]:.3f}.",
            after,
        )
    if len(training) > 1 and _still_falls(validation or training) and _still_falls(training):
        return fit(
            "underfitting",
            "Underfitting: the loss was still falling in the last epoch, so more epochs may help.",
            epochs + 1,
        )
    if epochs == 1 and len(curves.training) < FEWEST_STEPS:
        steps = len(curves.training)
        return fit("unknown", f"One epoch of {steps} steps does not tell whether more would help.", 0)
    if epochs == 1 and _still_falls(trained):
        return fit(
            "underfitting",
            f"Underfitting: the loss was still falling in the last quarter of the one epoch, from "
            f"{trained[-2]:.3f} to {trained[-1]:.3f}, so more epochs may help.",
            2,
        )
    if validation and validation[-1] > GAP * training[-1]:
        return fit(
            "memorising",
            f"Memorising: the validation loss ({validation[-1]:.3f}) ends far above the training loss "
            f"({training[-1]:.3f}). More varied examples help more than epochs.",
            1 + validation.index(min(validation)),
        )
    return fit("fits", "The losses level off; the number of epochs suits the data.", epochs)


def _still_falls(by_epoch: Sequence[float]) -> bool:
    return len(by_epoch) > 1 and by_epoch[-1] < STILL_FALLING * by_epoch[-2]


def _quarters(rows: Sequence[Loss]) -> list[float]:
    """The mean losses of four consecutive parts: single steps are too noisy to compare."""
    size = max(1, len(rows) // 4)
    parts = [rows[start : start + size] for start in range(0, size * (len(rows) // size), size)]
    return [sum(one.loss for one in part) / len(part) for part in parts]

"""The final losses of a training, and their perplexities."""

from __future__ import annotations

import math

from tunedrop.contracts import CompletedJob, Dataset, Losses
from tunedrop.training.curves import Curves, by_epoch

HIGHEST = 700.0
"""Above this loss, in nats, the perplexity overflows."""


def final(curves: Curves, job: CompletedJob, dataset: Dataset) -> Losses:
    """Both losses at the end of a training: the last epoch's mean, else the job's own report."""
    training = next(reversed(by_epoch(curves.training)), job.training_loss)
    validation = next(reversed(by_epoch(curves.validation)), job.validation_loss)
    reasons = []
    if training is None:
        reasons.append("Bedrock wrote no training loss for this job")
    if validation is None:
        reasons.append(
            "there was no validation set"
            if dataset.validation is None
            else "Bedrock wrote no validation loss for this job"
        )
    if dataset.method == "reinforcement":
        reasons.append("the loss of reinforcement is not per token, so it has no perplexity")
    has_perplexity = dataset.method != "reinforcement"
    return Losses(
        training_loss=training,
        training_perplexity=_perplexity(training) if has_perplexity else None,
        validation_loss=validation,
        validation_perplexity=_perplexity(validation) if has_perplexity else None,
        missing="; ".join(reasons),
    )


def _perplexity(loss: float | None) -> float | None:
    return math.exp(loss) if loss is not None and loss < HIGHEST else None

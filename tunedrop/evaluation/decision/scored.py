"""Predictions with the scores of each answer, as predictions.jsonl has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from tunedrop.evaluation.decision._baselines import neighbours
from tunedrop.evaluation.decision.examples import Example
from tunedrop.evaluation.inference.evaluate import Neighbour, Prediction
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics.sample import Model, Sample
from tunedrop.formatting.texts import shorten

LONGEST = 700
"""Maximum number of characters that are kept of a training record."""


def scored(predictions: Sequence[Prediction], metric: str, known: Sequence[Example] = ()) -> list[Prediction]:
    """The same predictions with the scores of every model that answered, and the distance to training.

    Parameters
    ----------
    metric
        The one that decided; beside it those that fit the answers.
    """
    sample = Sample([one for one in predictions if not one.probe and not one.failed])
    if not sample.answered:
        return list(predictions)
    shown = [one for one in (metric, *metrics.SHOWN[sample.task]) if one in metrics.METRICS]
    every: tuple[Model, ...] = get_args(Model)
    models = [model for model in every if any(getattr(one, model) is not None for one in sample.answered)]
    texts = [sample.texts(model) for model in models]
    found = {name: sample.scores(name, texts) for name in dict.fromkeys(shown)}
    asked = [Example(one.prompt, one.reference) for one in sample.answered]
    near: Sequence[tuple[float | None, Example | None]] = [(None, None)] * len(asked)
    if known:
        near = neighbours(asked, known)
    new = {}
    for place, one in enumerate(sample.answered):
        given = {
            model: {name: round(values[at][place], 4) for name, values in found.items()}
            for at, model in enumerate(models)
            if (answer := getattr(one, model)) is not None and not answer.error
        }
        distance, example = near[place]
        new[id(one)] = msgspec.structs.replace(
            one, scores=given, distance=distance, nearest=_neighbour(example)
        )
    return [new.get(id(one), one) for one in predictions]


def _neighbour(example: Example | None) -> Neighbour | None:
    if example is None:
        return None
    return Neighbour(shorten(example.prompt, LONGEST), shorten(example.answer, LONGEST))

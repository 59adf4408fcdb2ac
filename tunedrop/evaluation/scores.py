"""Every metric of every answer, and each metric's difference between two models with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal

import msgspec
import numpy as np

from tunedrop.contracts import Judged, JudgeSettings, Score
from tunedrop.evaluation import general_ability, metrics
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.intervals import (
    RESAMPLES,
    UNKNOWN,
    Integers,
    Vector,
    draws,
    paired_interval,
    percentile_interval,
)
from tunedrop.evaluation.labels import label_of, labels_of
from tunedrop.evaluation.ngrams import chrf_of_all

Model = Literal["base", "tuned", "champion"]

MOST_LABELS_DRAWN = 25_000_000
"""Macro F1 is counted anew for each resample: fewer of them when there are very many records."""


class Values(msgspec.Struct, frozen=True):
    """One metric of the same prompts' answers by two models; `records` says which belong together."""

    metric: str
    base: Sequence[float]
    tuned: Sequence[float]
    records: Sequence[int]

    @property
    def differences(self) -> list[float]:
        return [after - before for before, after in zip(self.base, self.tuned, strict=True)]

    def score(self, confidence: float) -> Score:
        """Both means, and their difference with its interval."""
        low, high = paired_interval(self.differences, confidence, self.records)
        before, after = fmean(self.base), fmean(self.tuned)
        return Score(
            metric=self.metric, base=before, tuned=after, difference=after - before, low=low, high=high
        )


def measure(
    answered: Sequence[Prediction], names: Iterable[str], models: tuple[Model, Model] = ("base", "tuned")
) -> list[Values]:
    """The metrics of these names, which are mostly keys of `metrics.METRICS`.

    Macro F1 stands as accuracy here: it has no value of a single answer.
    """
    asked = list(names)
    plain = [name for name in asked if name in metrics.METRICS and name != "chrf"]
    references = [one.reference for one in answered]
    texts = [[_text(one, model) for one in answered] for model in models]
    # All metrics of a prompt in one go: what one has made of its texts, the next finds in the cache.
    rows = [
        [[metrics.METRICS[name](reference, answer) for name in plain] for answer in answers]
        for reference, *answers in zip(references, *texts, strict=True)
    ]
    found = {name: [[row[at][index] for row in rows] for at in (0, 1)] for index, name in enumerate(plain)}
    if "chrf" in asked:
        found["chrf"] = chrf_of_all(references, texts)
    records = [one.record for one in answered]
    return [Values(name, found[name][0], found[name][1], records) for name in asked if name in found]


def judged_values(answered: Sequence[Prediction]) -> Values:
    """Win rates, ties counted half each, of the pairs that a judge has compared."""
    compared = [one for one in answered if one.judgement is not None and not one.judgement.error]
    points = {"tuned": 1.0, "base": 0.0, "tie": 0.5}
    tuned = [points[one.judgement.better] for one in compared if one.judgement is not None]
    return Values("judge", [1 - one for one in tuned], tuned, [one.record for one in compared])


def judged(predictions: Sequence[Prediction], settings: JudgeSettings) -> Judged:
    """How the judge found, pair by pair."""
    found = [one.judgement for one in predictions if one.judgement is not None]
    said = [one.better for one in found if not one.error]
    return Judged(
        model=settings.model,
        wins=said.count("tuned"),
        losses=said.count("base"),
        ties=said.count("tie"),
        failed=len(found) - len(said),
        input_tokens=sum(one.input_tokens for one in found),
        output_tokens=sum(one.output_tokens for one in found),
    )


def general_values(probes: Sequence[Prediction]) -> Values:
    """Right answers to the general-ability prompts, 1 or 0 each; every prompt stands for itself."""
    base, tuned = (
        [float(general_ability.is_right(one.probe, one.prompt, _text(one, model))) for one in probes]
        for model in ("base", "tuned")
    )
    return Values("general_ability", base, tuned, range(len(probes)))


def macro_f1_score(answered: Sequence[Prediction], confidence: float) -> Score:
    """Macro F1 of both models over the references' labels, with a percentile bootstrap of the difference."""
    labels = {label: index for index, label in enumerate(labels_of([one.reference for one in answered]))}
    expected = np.array([labels[label_of(one.reference)] for one in answered])
    given = {
        model: np.array([labels.get(label_of(_text(one, model)), len(labels)) for one in answered])
        for model in ("base", "tuned")
    }

    def of(model: str, drawn: Integers) -> Vector:
        return _macro_f1(expected[drawn], given[model][drawn], len(labels))

    everything = np.arange(len(answered))[None, :]
    before, after = float(of("base", everything)[0]), float(of("tuned", everything)[0])
    low, high = UNKNOWN
    if len(answered) > 1:
        resamples = max(500, min(RESAMPLES, MOST_LABELS_DRAWN // len(answered)))
        found = [of("tuned", drawn) - of("base", drawn) for drawn in draws(len(answered), resamples)]
        low, high = percentile_interval(np.concatenate(found), confidence)
    return Score(metric="macro_f1", base=before, tuned=after, difference=after - before, low=low, high=high)


def _macro_f1(expected: Integers, given: Integers, labels: int) -> Vector:
    """Of each row: the mean over the labels that it expects of 2 x right / (expected + given)."""
    rows = np.arange(len(expected))[:, None] * (labels + 1)

    def count(places: Integers) -> Integers:
        flat = np.bincount(places.ravel(), minlength=len(expected) * (labels + 1))
        return flat.reshape(len(expected), labels + 1)[:, :labels]

    wanted, said = count(expected + rows), count(given + rows)
    right = count(np.where(expected == given, expected, labels) + rows)
    scores = 2 * right / np.maximum(wanted + said, 1)
    means: Vector = (scores * (wanted > 0)).sum(axis=1) / np.maximum((wanted > 0).sum(axis=1), 1)
    return means


def _text(prediction: Prediction, model: str) -> str:
    answer = getattr(prediction, model)
    return str(answer.text) if answer is not None else ""

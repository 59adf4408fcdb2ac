"""Every metric of every answer, and each metric's difference between two models with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunedrop.contracts import Judged, JudgedVia, JudgeSettings, Score
from tunedrop.evaluation import general_ability, metrics
from tunedrop.evaluation.evaluate import Judgement, Prediction
from tunedrop.evaluation.intervals import (
    RESAMPLES,
    UNKNOWN,
    Integers,
    Vector,
    Weights,
    all_but_some,
    bca_interval,
    draws,
    paired_interval,
    places,
    times_drawn,
)
from tunedrop.evaluation.labels import label_of, labels_of
from tunedrop.evaluation.ngrams import chrf_of_all

Model = Literal["base", "tuned", "champion"]

MOST_DRAWN = 25_000_000
"""Macro F1 is counted anew for each resample: fewer of them when there are very many records, or labels."""

LABELS_AT_ONCE = 64


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


def judged_values(answered: Sequence[Prediction], via: JudgedVia = "converse") -> Values:
    """Win rates, ties counted half each, of the pairs that a judge has compared; or its ratings of both."""
    if via == "evaluation-job":
        return rated_values(answered)
    return compared_values([(one.record, one.judgement) for one in answered])


def against_champion_values(answered: Sequence[Prediction], metric: str) -> Values:
    """The same for the model in production, as `base`; `metric` is one of `metrics.JUDGED`."""
    if metric == metrics.JUDGED["evaluation-job"]:
        return rated_values(answered, ("champion", "tuned"))
    return compared_values([(one.record, one.against_champion) for one in answered])


def compared_values(pairs: Iterable[tuple[int, Judgement | None]]) -> Values:
    """Win rates of the pairs, each with its record, on which a judge has said something."""
    points = {"tuned": 1.0, "base": 0.0, "tie": 0.5}
    said = [(record, points[one.better]) for record, one in pairs if one is not None and not one.error]
    tuned = [point for _, point in said]
    return Values(
        metrics.JUDGED["converse"], [1 - one for one in tuned], tuned, [record for record, _ in said]
    )


def rated_values(answered: Sequence[Prediction], models: tuple[Model, Model] = ("base", "tuned")) -> Values:
    """A judge's ratings of the answers of two models, where it has rated both."""
    pairs = [(one.record, one.judgement.ratings) for one in answered if one.judgement is not None]
    both = [(record, ratings) for record, ratings in pairs if set(models) <= set(ratings)]
    before, after = ([ratings[model] for _, ratings in both] for model in models)
    return Values(metrics.JUDGED["evaluation-job"], before, after, [record for record, _ in both])


def judged(predictions: Sequence[Prediction], settings: JudgeSettings) -> Judged:
    """How the judge found, pair by pair."""
    found = [one.judgement for one in predictions if one.judgement is not None]
    read = [*found, *(one.against_champion for one in predictions if one.against_champion is not None)]
    said = [one.better for one in found if not one.error]
    return Judged(
        model=settings.model,
        wins=said.count("tuned"),
        losses=said.count("base"),
        ties=said.count("tie"),
        failed=len(found) - len(said),
        via=settings.via,
        reason=next((one.error for one in found if one.error), ""),
        input_tokens=sum(one.input_tokens for one in read),
        output_tokens=sum(one.output_tokens for one in read),
    )


def general_values(probes: Sequence[Prediction]) -> Values:
    """Right answers to the general-ability prompts, 1 or 0 each; every prompt stands for itself."""
    base, tuned = (
        [float(general_ability.is_right(one.probe, one.prompt, _text(one, model))) for one in probes]
        for model in ("base", "tuned")
    )
    return Values("general_ability", base, tuned, range(len(probes)))


def macro_f1_score(answered: Sequence[Prediction], confidence: float) -> Score:
    """Macro F1 of both models over the references' labels; its bootstrap draws records, as that of means."""
    labels = {label: index for index, label in enumerate(labels_of([one.reference for one in answered]))}
    place, records = places([one.record for one in answered])
    expected = np.array([labels[label_of(one.reference)] for one in answered])
    base, tuned = (
        np.array([labels.get(label_of(_text(one, model)), len(labels)) for one in answered])
        for model in ("base", "tuned")
    )

    def both(times: Weights) -> tuple[Vector, Vector]:
        """Of each row, which says how often each record is there."""
        return _macro_f1(times, place, expected, base), _macro_f1(times, place, expected, tuned)

    def differences(parts: Iterable[Weights]) -> Vector:
        return np.concatenate([after - before for before, after in map(both, parts)])

    before, after = (float(found[0]) for found in both(np.ones((1, records), dtype=np.float32)))
    low, high = UNKNOWN
    if records > 1:
        most = MOST_DRAWN // records // max(1, len(labels) // LABELS_AT_ONCE)
        resampled = differences(map(times_drawn, draws(records, max(500, min(RESAMPLES, most)))))
        left_out = differences(all_but_some(records, max(2, min(records, most))))
        low, high = bca_interval(resampled, after - before, left_out, confidence)
    return Score(metric="macro_f1", base=before, tuned=after, difference=after - before, low=low, high=high)


def _macro_f1(times: Weights, place: Integers, expected: Integers, given: Integers) -> Vector:
    """Of each row of `times`: the mean over the labels that it expects of 2 x right / (expected + given).

    Parameters
    ----------
    times
        How often each record is there.
    place
        The record that each answer belongs to.
    expected, given
        The label of each answer, by its number; what is no label has a number above all.
    """
    points, seen = np.zeros(len(times)), np.zeros(len(times))
    for first in range(0, int(expected.max()) + 1, LABELS_AT_ONCE):

        def count(answers: NDArray[np.bool_], labels: Integers, first: int = first) -> Vector:
            """Of each row: how often each of some labels is there among these answers."""
            here = answers & (labels >= first) & (labels < first + LABELS_AT_ONCE)
            table = np.zeros((times.shape[1], LABELS_AT_ONCE), dtype=np.float32)
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


def _text(prediction: Prediction, model: str) -> str:
    answer = getattr(prediction, model)
    return str(answer.text) if answer is not None else ""

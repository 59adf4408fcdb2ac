from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from tests.unit.evaluation.answers import text
from tunedrop.contracts import EvaluationSettings
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring.labels import LabelSet, confusion, label_of
from tunedrop.evaluation.statistics.macro import macro_f1_score
from tunedrop.evaluation.statistics.sample import Levels, Sample

LEVELS = Levels(0.025, 0.025)
LABELS = ("refund", "delivery", "account")


def published_macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Precision and recall of each label by their definitions, with numpy."""
    expected, given = np.array(pairs).T
    scores = []
    for label in sorted(set(expected)):
        hits = ((expected == label) & (given == label)).sum()
        precision = hits / max(1, (given == label).sum())
        recall = hits / (expected == label).sum()
        scores.append(0.0 if hits == 0 else 2 * precision * recall / (precision + recall))
    return float(np.mean(scores))


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_the_mean_of_each_labels_f1(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [(draw.choice(LABELS), draw.choice((*LABELS, "nonsense"))) for _ in range(200)]
    sample = Sample([prediction(wanted, given, wanted) for wanted, given in pairs])

    found = macro_f1_score(sample, LEVELS)

    assert found.base == pytest.approx(published_macro_f1(pairs))
    assert found.tuned == 1


def test_the_confusion_matrix_counts_answers_that_are_no_label() -> None:
    found = confusion(["Refund", "Refund", "delivery"], ["refund.", "delivery", "hm"], ["refund"] * 3)

    assert found.labels == ("refund", "delivery")
    assert found.base == ((1, 1, 0), (0, 0, 1))
    assert found.tuned == ((2, 0, 0), (1, 0, 0))


@pytest.mark.parametrize(
    ("text", "label"),
    [("शिकायत।", "शिकायत"), ("«отказ».", "отказ"), ("نعم؟", "نعم"), ("`Refund`", "refund"), ("¿sí?", "sí"),
     ("C++", "c++"), ("C#", "c#"), ("50%", "50%"), ("-1", "-1"), ("<=50K", "<=50k"), ("a/b", "a/b"),
     ("!", "!")],
)  # fmt: skip
def test_punctuation_of_any_script_around_a_label_is_none_of_it(text: str, label: str) -> None:
    assert label_of(text) == label


NUMBERS = itertools.count(1)


def prediction(reference: str, base: str, tuned: str, champion: str | None = None) -> Prediction:
    number = next(NUMBERS)
    return Prediction(
        record=number,
        turn=0,
        prompt=f"about {text(random.Random(number))}",
        reference=reference,
        base=Answer(text=base, latency_ms=900, output_tokens=20),
        tuned=Answer(text=tuned, latency_ms=300, output_tokens=2),
        champion=Answer(text=champion) if champion is not None else None,
    )


def classified(champion: str | None = None) -> list[Prediction]:
    return [prediction(LABELS[number % 3], "no idea", LABELS[number % 3], champion) for number in range(60)]


def test_labels_are_judged_by_accuracy_and_macro_f1() -> None:
    evaluation = decide(classified(), EvaluationSettings())

    scores = {score.metric: score for score in evaluation.scores}
    assert evaluation.verdict == "promote"
    assert evaluation.metric == "accuracy"
    assert scores["accuracy"].tuned == 1
    assert scores["macro_f1"].difference == 1
    assert scores["macro_f1"].low <= 1 <= scores["macro_f1"].high


def test_macro_f1_of_rare_labels_is_bounded_by_what_was_not_seen() -> None:
    """Over samples of 60 of five labels, the rarest 3 %: the true difference is within, 94 times of 100."""
    draw = np.random.default_rng(4)
    names = ("a", "b", "c", "d", "e")
    chances = np.array([0.6, 0.2, 0.1, 0.07, 0.03])

    def sample(size: int) -> Sample:
        wanted = draw.choice(names, size, p=chances)
        base = np.where(draw.random(size) < 0.6, wanted, draw.choice(names, size))
        tuned = np.where(draw.random(size) < 0.8, wanted, draw.choice(names, size))
        rows = zip(wanted, base, tuned, strict=True)
        found = Sample([prediction(str(one), str(other), str(third)) for one, other, third in rows])
        found.__dict__["units"] = list(range(size))
        return found

    truth = macro_f1_score(sample(20_000), LEVELS).difference
    scores = [macro_f1_score(sample(60), LEVELS) for _ in range(100)]

    assert sum(one.low <= truth <= one.high for one in scores) >= 92


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("This is about refund (billing).", {"billing/refund": 1.0}),
        ("Billing, refund", {"billing/refund": 1.0}),
        ("A refund is no matter of billing.", {}),
        ("It is <= 50K income.", {"income <= 50k": 1.0}),
        ("from here to there", {"here to there": 1.0}),
        ("to there here", {}),
    ],
)
def test_a_label_is_named_by_its_words_side_by_side(answer: str, named: dict[str, float]) -> None:
    names = (
        "billing/refund",
        "billing/tax",
        "income <= 50k",
        "income > 50k",
        "here to there",
        "there to here",
    )

    assert LabelSet(names).shares(answer) == named


def test_latency_and_length_of_both_models_are_reported() -> None:
    evaluation = decide(classified(), EvaluationSettings())

    assert evaluation.base_speed is not None
    assert evaluation.tuned_speed is not None
    assert (evaluation.base_speed.median_ms, evaluation.tuned_speed.median_ms) == (900, 300)
    assert evaluation.tuned_speed.tokens_an_answer == 2


def test_a_model_that_is_worse_than_the_one_in_production_is_rejected() -> None:
    truth = [LABELS[number % 3] for number in range(60)]
    predictions = [
        prediction(label, "no idea", label if number % 4 else "hm", champion=label)
        for number, label in enumerate(truth)
    ]

    evaluation = decide(predictions, EvaluationSettings())

    assert (evaluation.verdict, evaluation.rejected_for) == ("reject", "model in production")
    assert "the model in production scores 1.000" in evaluation.reason
    assert evaluation.champion is not None
    assert evaluation.champion.difference < 0


def test_a_model_that_beats_the_one_in_production_is_promoted() -> None:
    assert decide(classified(champion="hm"), EvaluationSettings()).verdict == "promote"

from __future__ import annotations

import itertools
import random

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from tunedrop.contracts import EvaluationSettings
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.gate import decide
from tunedrop.evaluation.intervals import RESAMPLES, SEED
from tunedrop.evaluation.labels import confusion, macro_f1
from tunedrop.evaluation.scores import macro_f1_score

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

    assert macro_f1(pairs) == pytest.approx(published_macro_f1(pairs))


def test_the_confusion_matrix_counts_answers_that_are_no_label() -> None:
    found = confusion(["Refund", "refund.", "delivery"], ["refund", "delivery", "hm"], ["refund"] * 3)

    assert found.labels == ("refund", "delivery")
    assert found.base == ((1, 1, 0), (0, 0, 1))
    assert found.tuned == ((2, 0, 0), (1, 0, 0))


NUMBERS = itertools.count(1)


def prediction(reference: str, base: str, tuned: str, champion: str | None = None) -> Prediction:
    return Prediction(
        record=next(NUMBERS),
        turn=0,
        prompt="which?",
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


def test_the_interval_of_macro_f1_is_scipys_over_conversations() -> None:
    draw = np.random.default_rng(4)
    turns = draw.integers(1, 5, 40)
    record = np.repeat(np.arange(40), turns)
    expected, base, tuned = (draw.integers(0, 3, len(record)) for _ in range(3))
    tuned = np.where(draw.random(len(record)) < 0.5, expected, tuned)
    predictions = [
        msgspec.structs.replace(prediction(LABELS[want], LABELS[one], LABELS[other]), record=int(number))
        for number, want, one, other in zip(record, expected, base, tuned, strict=True)
    ]

    def difference(drawn: npt.NDArray[np.int64], axis: int) -> npt.NDArray[np.float64]:
        """Of drawn conversations, with all their turns: by the definition, one draw after another."""
        return np.apply_along_axis(of_one, axis, drawn)

    def of_one(drawn: npt.NDArray[np.int64]) -> float:
        index = np.concatenate([np.flatnonzero(record == number) for number in drawn])
        before, after = (
            published_macro_f1(
                [(LABELS[a], LABELS[b]) for a, b in zip(expected[index], given[index], strict=True)]
            )
            for given in (base, tuned)
        )
        return after - before

    found = macro_f1_score(predictions, 0.95)

    scipys = stats.bootstrap(
        (np.arange(40),),
        difference,
        vectorized=True,
        method="BCa",
        rng=np.random.default_rng(SEED),
        n_resamples=RESAMPLES,
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((scipys.low, scipys.high))


def test_one_conversation_says_nothing_of_macro_f1() -> None:
    turns = [msgspec.structs.replace(one, record=7) for one in classified()]

    found = macro_f1_score(turns, 0.95)

    assert (found.low, found.high) == (-1, 1)


def test_latency_and_length_of_both_models_are_told() -> None:
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
    assert "the model in production stands at 1.000" in evaluation.reason
    assert evaluation.champion is not None
    assert evaluation.champion.difference < 0


def test_a_model_that_beats_the_one_in_production_is_promoted() -> None:
    assert decide(classified(champion="hm"), EvaluationSettings()).verdict == "promote"


def test_a_model_in_production_that_cannot_be_asked_does_not_count() -> None:
    silent = Answer(error="it was deleted")
    predictions = [msgspec.structs.replace(one, champion=silent) for one in classified()]

    evaluation = decide(predictions, EvaluationSettings())

    assert evaluation.verdict == "promote"
    assert evaluation.champion is None

"""A judge that likes long answers."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.unit.evaluation.answers import prediction
from tunedrop.contracts import EvaluationSettings, JudgeSettings
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction
from tunedrop.evaluation.judging.length_control import RIDGE, win_rate

DRAW = random.Random(12)
LENGTHS = [DRAW.randint(50, 900) for _ in range(300)]
OTHERS = [DRAW.randint(50, 600) for _ in range(300)]


def test_a_preference_for_length_alone_is_none_at_equal_length() -> None:
    points = [float(one > other) for one, other in zip(LENGTHS, OTHERS, strict=True)]

    rate = win_rate(points, LENGTHS, OTHERS)

    assert sum(points) / 300 > 0.6
    assert rate is not None
    assert rate.rate == pytest.approx(0.5, abs=0.1)


def test_a_preference_for_what_is_better_stays() -> None:
    points = [float(DRAW.random() < 0.8) for _ in LENGTHS]

    rate = win_rate(points, LENGTHS, OTHERS)

    assert rate is not None
    assert rate.rate == pytest.approx(0.8, abs=0.07)


def test_the_coefficients_are_those_of_the_greatest_likelihood() -> None:
    points = np.array([float(DRAW.random() < 0.4 + 0.3 * (one > 500)) for one in LENGTHS])
    longer = np.array(LENGTHS) - np.array(OTHERS)
    scaled = np.tanh(longer / longer.std())

    def loss(found: np.ndarray) -> float:
        score = found[0] + found[1] * scaled
        return float(np.logaddexp(0, score).sum() - points @ score + RIDGE * (found @ found) / 2)

    best = minimize(loss, np.zeros(2)).x[0]

    rate = win_rate(list(points), LENGTHS, OTHERS)

    assert rate is not None
    assert rate.rate == pytest.approx(1 / (1 + np.exp(-best)), abs=1e-4)


def test_few_pairs_and_equal_lengths_give_no_result() -> None:
    assert win_rate([1.0] * 29, LENGTHS[:29], OTHERS[:29]) is None
    assert win_rate([1.0] * 40, [100] * 40, [100] * 40) is None


def test_who_always_wins_wins_at_equal_length_too() -> None:
    rate = win_rate([1.0] * 300, LENGTHS, OTHERS)

    assert rate is not None
    assert rate.rate > 0.9
    assert not rate.is_by_length


@pytest.mark.parametrize("draw", range(20))
def test_what_no_pair_shows_is_not_held_against_a_model(draw: int) -> None:
    """Every answer of the tuned model is longer: what holds at equal length is extrapolated."""
    draws = random.Random(draw)
    points = [float(draws.random() < 0.7) for _ in range(100)]

    rate = win_rate(points, [draws.randint(200, 500) for _ in points], [100] * 100)

    assert rate is not None
    assert not rate.is_between
    assert not rate.is_by_length


def judged(number: int) -> Prediction:
    """Much longer answers win; one in ten of the tuned model's is a little longer, one shorter."""
    one = prediction(number, 2, 8)
    more = {0: 2, 1: 6}.get(number % 10, 10 + number % 7)
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    answers = {
        "tuned": Answer(text=one.tuned.text + " and more" * more),
        "base": Answer(text=one.base.text + " and more" * 5),
        "judgement": Judgement(better="tuned" if more >= 10 else "base"),
    }
    return Prediction(**fields | answers)


def test_a_win_by_length_alone_is_no_promotion() -> None:
    settings = EvaluationSettings(metric="judge", judge=JudgeSettings(model="a judge"), general_ability=False)

    evaluation = decide([judged(number) for number in range(100)], settings)

    assert evaluation.verdict == "inconclusive"
    assert "at equal length" in evaluation.reason
    assert evaluation.judged is not None
    assert evaluation.judged.at_equal_length is not None
    assert evaluation.judged.at_equal_length <= 0.5

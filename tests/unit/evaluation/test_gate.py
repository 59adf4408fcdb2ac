from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import stats

from tunedrop.contracts import Evaluation, EvaluationSettings
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.gate import decide
from tunedrop.evaluation.intervals import paired_interval

REFERENCE = "alpha beta gamma delta epsilon zeta eta theta iota kappa"


def prediction(base_words: int, tuned_words: int, error: str = "") -> Prediction:
    """Answers that have so many of the reference's ten words."""
    words = REFERENCE.split()
    return Prediction(
        record=1,
        turn=0,
        prompt="say it",
        reference=REFERENCE,
        base=Answer(text=" ".join(words[:base_words])),
        tuned=Answer(text=" ".join(words[:tuned_words]), error=error),
    )


def verdict(predictions: list[Prediction], **settings: float) -> Evaluation:
    return decide(predictions, EvaluationSettings(metric="token_f1", **settings))  # type: ignore[arg-type]


def test_a_model_that_is_surely_better_is_promoted() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)])

    assert evaluation.verdict == "promote"
    assert "Token F1 went from" in evaluation.reason


def test_a_model_that_only_copies_its_base_is_rejected() -> None:
    assert verdict([prediction(5, 5) for _ in range(40)]).verdict == "reject"


def test_a_model_that_is_worse_is_rejected() -> None:
    assert verdict([prediction(8, 3) for _ in range(40)]).verdict == "reject"


def test_an_improvement_below_what_the_run_asks_for_is_rejected() -> None:
    assert verdict([prediction(5, 6) for _ in range(40)], min_improvement=0.5).verdict == "reject"


def test_too_few_prompts_are_their_own_answer() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(9)])

    assert evaluation.verdict == "undecided"
    assert evaluation.needed >= 10


def test_an_interval_around_zero_is_undecided_and_says_how_many_would_tell() -> None:
    draw = random.Random(1)
    mixed = [prediction(5, draw.choice((1, 2, 8, 9))) for _ in range(14)]

    evaluation = verdict([*mixed, prediction(1, 9), prediction(1, 9)])

    assert evaluation.verdict == "undecided"
    assert evaluation.needed > 16


def test_failed_prompts_are_counted_and_left_out_as_pairs() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)] + [prediction(3, 0, error="timed out")] * 3)

    assert evaluation.failed_prompts == 3
    assert evaluation.records == 40
    assert evaluation.verdict == "promote"


def test_too_many_failed_prompts_leave_no_verdict() -> None:
    evaluation = verdict([prediction(3, 8) for _ in range(40)] + [prediction(3, 0, error="timed out")] * 10)

    assert evaluation.verdict == "undecided"


@pytest.mark.parametrize("size", [20, 200, 5_000])
def test_the_interval_agrees_with_scipys_bootstrap(size: int) -> None:
    differences = np.random.default_rng(5).normal(0.1, 0.3, size)

    low, high = paired_interval(list(differences), 0.95)

    published = stats.bootstrap(
        (differences,), np.mean, method="percentile", n_resamples=2_000, rng=np.random.default_rng(1)
    ).confidence_interval
    width = published.high - published.low
    assert low == pytest.approx(published.low, abs=0.12 * width)
    assert high == pytest.approx(published.high, abs=0.12 * width)

"""Scores beside the answers in predictions.jsonl."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.evaluation.answers import predictions, with_words
from tunedrop.evaluation.decision.examples import Example
from tunedrop.evaluation.decision.scored import scored
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Neighbour
from tunedrop.evaluation.scoring.metrics import METRICS


def test_every_answer_has_its_scores() -> None:
    plain = predictions([(2, 8)] * 30)
    answers = [
        msgspec.structs.replace(one, champion=Answer(text=with_words(one.reference, 5))) for one in plain
    ]

    found = scored(answers, "rouge_l")

    for one in found:
        assert set(one.scores) == {"base", "tuned", "champion"}
        for model, given in one.scores.items():
            assert next(iter(given)) == "rouge_l"
            for name, value in given.items():
                exact = METRICS[name](one.reference, getattr(one, model).text)
                assert value == pytest.approx(exact, abs=1e-4)


def test_what_was_not_answered_has_none_and_keeps_its_place() -> None:
    answers = predictions([(2, 8)] * 4)
    answers[1] = msgspec.structs.replace(answers[1], tuned=Answer(error="throttled"))
    answers.append(msgspec.structs.replace(answers[0], probe="sum"))

    found = scored(answers, "judge")

    assert [bool(one.scores) for one in found] == [True, False, True, True, False]
    assert [one.prompt for one in found] == [one.prompt for one in answers]
    assert scored([], "token_f1") == []


def test_a_prompt_of_the_training_data_is_at_no_distance() -> None:
    answers = predictions([(2, 8)] * 3)
    known = [Example(answers[0].prompt, "x"), Example("something else entirely", "y")]

    near, *others = scored(answers, "token_f1", known)

    assert near.distance == 0
    assert near.nearest == Neighbour(answers[0].prompt, "x")
    assert all(one.distance is not None and 0.5 < one.distance <= 1 for one in others)
    assert scored(answers, "token_f1")[0].distance is None

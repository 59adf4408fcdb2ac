"""Held-out answers graded by the function that graded the training."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.evaluation.answers import prediction
from tests.unit.fake_bedrock import refusal
from tunedrop.aws import Aws
from tunedrop.contracts import Dataset, DatasetFile, Evaluation, EvaluationSettings
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.reinforcement import rewards
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.evaluation.reinforcement.rewards import AT_ONCE, BATCH, is_graded, rewarded, with_known

ARN = "arn:aws:lambda:us-west-2:111122223333:function:grader"
PROMPTS = 60


class Grader:
    """A Lambda service with one function."""

    def __init__(self, grades: Callable[[list[dict[str, Any]]], Any]) -> None:
        self._grades, self.sent = grades, []  # type: ignore[var-annotated]

    def invoke(self, **call: Any) -> dict[str, Any]:
        assert call["FunctionName"] == ARN
        items = json.loads(call["Payload"])
        self.sent.append(items)
        return self._answer(self._grades(items))

    def _answer(self, answer: Any) -> dict[str, Any]:
        error = {"FunctionError": "Unhandled"} if isinstance(answer, dict) else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **error}


class Files:
    """The held-out file: its records have metadata of their own."""

    def get_object(self, **_: str) -> dict[str, Any]:
        class Body:
            def iter_lines(self) -> list[bytes]:
                records = ({"messages": [], "level": number} for number in range(1, PROMPTS + 1))
                return [json.dumps(one).encode() for one in records]

        return {"Body": Body()}


@pytest.fixture
def dataset() -> Dataset:
    file = DatasetFile(uri="s3://artifacts/test.jsonl", records=PROMPTS, tokens=1)
    return builders.dataset(test=file)


def answers(base: int = 2, tuned: int = 8) -> list[Prediction]:
    """Without references, as many records of reinforcement are."""
    found = (prediction(number, base, tuned) for number in range(1, PROMPTS + 1))
    return [msgspec.structs.replace(one, reference="") for one in found]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewards, "PAUSE_SECONDS", 0)


def graded(
    dataset: Dataset,
    done: list[Prediction],
    grader: Grader,
    deadline: float = math.inf,
    saved: list[Any] | None = None,
) -> list[Prediction]:
    aws = Aws()
    aws.s3, aws.grader = Files(), grader
    return rewarded(aws, ARN, dataset, done, deadline, saved.append if saved is not None else len)


def by_plain_words(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A tenth for each word that is not replaced."""
    said = {one["id"]: one["messages"][-1]["content"].split() for one in items}
    return [
        {"id": key, "aggregate_reward_score": sum(word[0] != "x" for word in words) / 10}
        for key, words in said.items()
    ]


def verdict(done: list[Prediction], **settings: Any) -> Evaluation:
    return decide(done, EvaluationSettings(**settings))


def test_rewards_decide_where_there_are_no_references(dataset: Dataset) -> None:
    evaluation = verdict(graded(dataset, answers(), Grader(by_plain_words)))

    assert (evaluation.verdict, evaluation.metric) == ("promote", "reward")
    assert evaluation.scores[0].base == pytest.approx(0.2)
    assert evaluation.scores[0].tuned == pytest.approx(0.8)


def test_rewards_that_fell_reject(dataset: Dataset) -> None:
    assert verdict(graded(dataset, answers(8, 2), Grader(by_plain_words))).verdict == "reject"


def test_a_metric_that_the_run_names_decides_and_rewards_are_shown(dataset: Dataset) -> None:
    evaluation = verdict(graded(dataset, answers(), Grader(by_plain_words)), metric="exact_match")

    assert evaluation.metric == "exact_match"
    assert "reward" in [one.metric for one in evaluation.scores]


def test_a_grader_is_sent_what_bedrock_sends(dataset: Dataset) -> None:
    grader = Grader(by_plain_words)
    done = answers()

    graded(dataset, done, grader)

    first = grader.sent[0][0]
    assert [one["role"] for one in first["messages"]] == ["user", "assistant"]
    assert first["messages"][-1]["content"] == done[0].base.text
    assert first["metadata"] == {"level": 1}
    assert max(map(len, grader.sent)) == BATCH


def test_the_shipped_grader_grades_them(dataset: Dataset) -> None:
    shipped = Grader(lambda items: [msgspec.to_builtins(one) for one in grade(items)])

    found = graded(dataset, answers(), shipped)

    assert all(set(one.rewards) == {"base", "tuned"} for one in found)


def test_rewards_of_any_range_are_compared_on_one_scale(dataset: Dataset) -> None:
    wide = Grader(
        lambda items: [
            {**one, "aggregate_reward_score": 10 * one["aggregate_reward_score"] - 5}
            for one in by_plain_words(items)
        ]
    )

    evaluation = verdict(graded(dataset, answers(), wide))

    assert evaluation.verdict == "promote"
    assert 0 <= evaluation.scores[0].base < evaluation.scores[0].tuned <= 1


@pytest.mark.parametrize("outlier", [100.0, -1000.0])
def test_one_outlying_reward_changes_nothing(dataset: Dataset, outlier: float) -> None:
    done = graded(dataset, answers(), Grader(by_plain_words))
    done[0] = msgspec.structs.replace(done[0], rewards=done[0].rewards | {"base": outlier})

    evaluation = verdict(done)

    assert evaluation.verdict == "promote", evaluation.reason
    assert evaluation.scores[0].tuned == pytest.approx(0.8)


def throttled(_: list[dict[str, Any]]) -> Any:
    raise refusal("TooManyRequestsException", "slow down")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda _: {"errorMessage": "no such level"}, "no such level"),
        (lambda items: by_plain_words(items)[1:], "was sent the ids"),
        (
            lambda items: [{**one, "aggregate_reward_score": "good"} for one in by_plain_words(items)],
            "number",
        ),
        (throttled, "slow down"),
    ],
)
def test_a_failing_grader_gives_no_verdict_and_a_reason(
    dataset: Dataset, broken: Callable[[list[dict[str, Any]]], Any], said: str
) -> None:
    evaluation = verdict(graded(dataset, answers(), Grader(broken)))

    assert (evaluation.verdict, evaluation.metric) == ("inconclusive", "reward")
    assert f"{PROMPTS} of {PROMPTS} rewards failed" in evaluation.reason
    assert said in evaluation.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b'[{"id": "0-base", "aggregate_reward_score": ' + b"9" * 4_000 + b"}]", "must be a finite number"),
        (b'[{"id": "0-base", "aggregate_reward_score": 1e999}]', "must be a finite number"),
        (b'[{"id": "\\ud800", "aggregate_reward_score": 1}]', "was sent the ids"),
        (b'{"errorMessage": "half a pair: \\ud800"}', "half a pair: \ufffd"),
    ],
)
def test_whatever_a_grader_answers_the_evaluation_goes_on(answer: bytes, said: str) -> None:
    class Hostile:
        def invoke(self, **_: Any) -> dict[str, Any]:
            failed = {"FunctionError": "Unhandled"} if b"errorMessage" in answer else {}
            return {"Payload": io.BytesIO(answer), **failed}

    sent = [{"id": "0-base", "messages": [], "metadata": {}}]

    given, error = rewards.asked(Hostile(), ARN, sent, math.inf, first=True)

    assert not given
    assert said in error
    assert len(error) <= 500
    assert msgspec.json.encode(error)


def test_a_batch_that_fails_once_is_sent_again(dataset: Dataset) -> None:
    tries: list[int] = []

    def shaky(items: list[dict[str, Any]]) -> Any:
        tries.append(len(items))
        return {"errorMessage": "cold"} if len(tries) == 1 else by_plain_words(items)

    found = graded(dataset, answers(), Grader(shaky))

    assert all(one.rewards for one in found)
    assert len(tries) == 2 * PROMPTS // BATCH + 1


def test_answers_that_were_not_given_are_not_graded(dataset: Dataset) -> None:
    done = answers()
    done[0] = msgspec.structs.replace(done[0], tuned=Answer(error="throttled"))
    grader = Grader(by_plain_words)

    found = graded(dataset, done, grader)

    assert not found[0].rewards
    assert sum(map(len, grader.sent)) == 2 * (PROMPTS - 1)


def test_a_call_whose_time_is_up_grades_one_round_and_the_next_goes_on(dataset: Dataset) -> None:
    grader, saved = Grader(by_plain_words), []  # type: ignore[var-annotated]
    many = [*answers(), *answers(), *answers()]  # 360 answers: 18 batches, five rounds

    found, rounds = many, 0
    while not all(map(is_graded, found)):
        found = graded(dataset, found, grader, deadline=0.0, saved=saved)
        rounds += 1
        assert len(grader.sent) == min(18, rounds * AT_ONCE)

    assert rounds == len(saved) == 5
    assert sorted(one["id"] for items in grader.sent for one in items) == sorted(
        f"{place}-{model}" for place in range(len(many)) for model in ("base", "tuned")
    )


def test_what_the_first_round_does_not_grade_is_counted_even_without_time(dataset: Dataset) -> None:
    broken = Grader(lambda _: {"errorMessage": "cold"})

    found = graded(dataset, [*answers(), *answers()], broken, deadline=0.0)

    first_round = AT_ONCE * BATCH // 2
    assert [bool(one.reward_error) for one in found] == [place < first_round for place in range(2 * PROMPTS)]
    assert len(broken.sent) == 2 * AT_ONCE


def test_rewards_that_were_kept_are_those_of_the_same_answers(dataset: Dataset) -> None:
    kept = graded(dataset, answers(), Grader(by_plain_words))
    other = msgspec.structs.replace(answers()[1], tuned=Answer(text="something else"))

    first, second, *_ = with_known([answers()[0], other], kept)

    assert first.rewards == kept[0].rewards
    assert not second.rewards


def test_no_call_sends_more_than_a_function_takes(dataset: Dataset) -> None:
    """6 MB of a synchronous call (AWS General Reference, Lambda quotas; read 2026-11-30), escapes of JSON
    among it."""
    sizes: list[int] = []

    def graded_at_once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        sizes.append(len(json.dumps(items).encode()))
        return [{"id": one["id"], "aggregate_reward_score": 1.0} for one in items]

    text = "ü" * 200_000
    long = [
        msgspec.structs.replace(one, tuned=msgspec.structs.replace(one.tuned, text=text)) for one in answers()
    ]

    graded(dataset, long, Grader(graded_at_once))

    assert len(sizes) > 1
    assert max(sizes) <= 6 << 20

"""Rollouts of a training job are graded by the run's grader, wherever the service puts the ground truth."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.driver import until
from tests import builders
from tunedrop.evaluation.reinforcement import rewards, rollouts
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.training.rollouts import ground_truth, record

STAGE = builders.stage(graders=("arn:aws:lambda:us-east-1:111122223333:function:theirs",))
CHAT = {
    "messages": [{"role": "user", "content": "2 + 2?"}],
    "reference_answer": "4",
    "unit": "none",
}


class Graders:
    """Lambda: the shipped grader, whoever is called."""

    def __init__(self, answer: Callable[[list[dict[str, Any]]], Any] | None = None) -> None:
        self.sent: list[tuple[str, list[dict[str, Any]]]] = []
        self._answer = answer or (lambda items: msgspec.to_builtins(grade(items)))

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        items = json.loads(Payload)
        self.sent.append((FunctionName, items))
        return {"Payload": io.BytesIO(json.dumps(self._answer(items)).encode())}


def reward_each(items: list[dict[str, Any]]) -> Any:
    return [{"id": one["id"], "aggregate_reward_score": 1} for one in items]


def sample(answer: str = "4", chat: dict[str, Any] = CHAT, grader: str = STAGE.grader_arn) -> dict[str, Any]:
    """As AWS's workshop shows it: the record's own fields beside the conversation."""
    row = record(chat, grader)
    said = [*row.pop("prompt"), {"role": "assistant", "content": answer}]
    return {"id": "a", "messages": said, **row}


def graded(event: Any, graders: Graders | None = None, seconds: float = 60) -> tuple[int, Any]:
    answer = rollouts.graded(graders or Graders(), STAGE, event, seconds)
    return answer["statusCode"], json.loads(answer["body"])


def scores(body: list[dict[str, Any]]) -> list[float]:
    return [one["aggregate_reward_score"] for one in body]


def test_the_answer_is_what_aws_s_own_verifier_accepts() -> None:
    """sagemaker-python-sdk, rlvr_reward_verifier.py: status 200, a body in JSON, numbers with a type."""
    status, body = graded([sample("4"), sample("5") | {"id": "b"}])

    assert status == 200
    assert [one["id"] for one in body] == ["a", "b"]
    assert scores(body)[0] == 1.0
    assert scores(body)[1] < 0.5
    for one in body:
        for metric in one["metrics_list"]:
            assert set(metric) == {"name", "value", "type"}
            assert metric["type"] in ("Metric", "Reward")
            assert isinstance(metric["value"], float)


@pytest.mark.parametrize(
    "where",
    [
        lambda truth: {"metadata": {"reference_answer": truth}},
        lambda truth: {"metadata": {"ground_truth": truth}, "extra_info": {}},
        lambda truth: {"reference_answer": truth},
        lambda truth: {"reward_model": {"style": "rule", "ground_truth": truth}},
        lambda truth: {"extra_info": {"deep": [{"reward_model": truth}]}, "data_source": "tunedrop"},
    ],
)
def test_the_ground_truth_is_found_wherever_it_arrives(where: Callable[[str], dict[str, Any]]) -> None:
    said = [*CHAT["messages"], {"role": "assistant", "content": "four, that is 4"}]
    graders = Graders()

    status, body = graded(
        [{"id": 7, "messages": said, **where(ground_truth(CHAT, STAGE.grader_arn))}], graders
    )

    assert (status, body[0]["id"]) == (200, "7")
    ((called, items),) = graders.sent
    assert called == STAGE.grader_arn
    assert items[0]["metadata"] == {"reference_answer": "4", "unit": "none"}
    assert items[0]["messages"] == said


def test_rollouts_of_one_prompt_that_share_its_id_have_their_own_rewards() -> None:
    _, body = graded([sample("4"), sample("no"), sample("4")])

    assert [one["id"] for one in body] == ["a", "a", "a"]
    assert scores(body) == [1.0, 0.0, 1.0]


def test_a_model_s_thoughts_are_not_graded() -> None:
    _, body = graded([sample("<think>5? no</think>\n4"), sample("<think>4, but cut")])

    assert scores(body) == [1.0, 0.0]


def test_a_large_batch_is_graded_in_parts_and_each_grader_by_itself() -> None:
    graders = Graders()
    theirs = STAGE.graders[0]

    _, body = graded(
        [sample("4", grader=theirs if place % 3 else STAGE.grader_arn) for place in range(100)], graders
    )

    assert scores(body) == [1.0] * 100
    assert max(len(items) for _, items in graders.sent) <= rewards.BATCH
    assert {called for called, _ in graders.sent} == {STAGE.grader_arn, theirs}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"body": "[]"}, "a dict instead of a list"),
        ([{"id": "a"}], "sample 0 has no messages"),
        (["a"], "sample 0 has no messages"),
        (
            [{"messages": [{"role": "assistant", "content": "4"}], "reference_answer": "4"}],
            "it has reference",
        ),
        ([{"messages": [{"role": "user"}], "x": ground_truth(CHAT, "g")[:-9]}], "was cut or changed"),
        ([sample(grader="arn:aws:lambda:us-east-1:999999999999:function:evil")], "does not allow"),
    ],
)
def test_rollouts_that_cannot_be_graded_are_reported_and_never_get_reward_zero(event: Any, said: str) -> None:
    graders = Graders()

    status, body = graded(event, graders)

    assert status == 500
    assert said in body["error"]
    assert graders.sent == []


def test_a_grader_that_fails_fails_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewards, "PAUSE_SECONDS", 0.0)

    status, body = graded([sample()], Graders(lambda items: [{"id": one["id"]} for one in items]))

    assert status == 500
    assert "aggregate_reward_score is None" in body["error"]


def test_a_grader_that_is_too_slow_fails_the_batch_before_the_function_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A killed function would give no answer, and the service would have the same rollouts graded again."""
    monkeypatch.setattr(rollouts, "AT_ONCE", 1)
    others, is_answered = set(threading.enumerate()), threading.Event()
    in_time: list[bool] = []
    slow = Graders(lambda items: in_time.append(is_answered.wait(60)))

    status, body = graded([sample()] * 1024, slow, 0.1)

    is_answered.set()
    assert status == 500
    assert "took too long for 1024 rollouts" in body["error"]
    until(lambda: set(threading.enumerate()) <= others or None, "the end of the call that had begun")
    assert in_time == [True]  # one call, which had not ended when the batch was answered


def test_a_batch_of_too_many_calls_fails_and_the_rest_of_them_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollouts, "AT_ONCE", 1)
    others = set(threading.enumerate())

    def slowly(items: list[dict[str, Any]]) -> Any:
        time.sleep(0.02)  # a second for all
        return reward_each(items)

    slow = Graders(slowly)

    status, body = graded([sample()] * 1024, slow, 0.1)

    assert status == 500
    assert "took too long for 1024 rollouts" in body["error"]
    until(lambda: set(threading.enumerate()) <= others or None, "the end of the call that had begun")
    assert len(slow.sent) < 1024 / rewards.BATCH


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8).filter(lambda name: name != "messages"), JSON, max_size=4))
def test_other_fields_reach_the_grader_unchanged(beside: dict[str, Any]) -> None:
    graders = Graders(reward_each)

    graded([sample("4", {"messages": CHAT["messages"], **beside})], graders)

    assert graders.sent[0][1][0]["metadata"] == beside

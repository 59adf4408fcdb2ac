from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from tunedrop import catalog, manifest
from tunedrop.errors import InvalidManifest
from tunedrop.evaluation.reinforcement.grading import Grade, grade, grader_of, problems, reward
from tunedrop.stage import Stage

NOVA_2_LITE = catalog.find("amazon.nova-2-lite-v1:0:256k")
REINFORCEMENT = b"method: reinforcement\ndata: {train: t}\n"


def item(answer: Any, reference: Any = "42", id_: str = "a") -> dict[str, Any]:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]
    return {"id": id_, "messages": messages, "metadata": {"reference_answer": reference}}


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),
    [
        ("billing", "billing", 1.0),
        ("billing", "Billing.", 1.0),
        ("billing", "It is about billing, I think", 0.6),
        ("billing", "delivery", 0.0),
        ("42", "42.0", 1.0),
        ("42 km", "42.0 km.", 1.0),
        ("42", "The result is 42.0", 0.6),
        ("42", "It is 41, or 17, or 42", 0.6),
        ("42", "42, no: 41", 0.6),
        ("42", "Because 6 * 9 = 42.", 0.6),
        ("42 km", "42 kg", 0.6),
        ("42%", "42", 0.6),
        ("-5", "5", pytest.approx(0.8 / 3)),
        ("3.5", "35", 0.0),
        ("1,250", "1250", 1.0),
        ("42", "41", 0.0),
        ("a red fox", "a red dog", pytest.approx(0.4 / 2)),
        ("", "", 1.0),
        ("billing", "", 0.0),
    ],
)
def test_a_reward_is_as_high_as_the_answer_is_near(reference: str, answer: str, expected: float) -> None:
    assert max(reward(reference, answer).values()) == expected


@given(st.text(), st.text())
def test_a_reward_is_from_0_to_1_for_any_answer(reference: str, answer: str) -> None:
    assert all(0 <= part <= 1 for part in reward(reference, answer).values())


def test_every_answer_is_graded_under_its_id() -> None:
    blocks = [{"text": "the answer is"}, {"text": "42"}]

    grades = grade([item("42", id_="a"), item(blocks, id_="b"), item("no", {"a": 1}, id_="c")])

    assert [(one.id, one.aggregate_reward_score) for one in grades] == [("a", 1.0), ("b", 0.6), ("c", 0.0)]


def test_an_item_without_metadata_or_answer_is_graded_all_the_same() -> None:
    assert grade([{"id": 7, "messages": []}]) == [
        Grade(
            id="7",
            aggregate_reward_score=1.0,
            reward_components={"match": 1.0, "number": 0.0, "contained": 0.0, "alike": 0.0},
        )
    ]


def test_the_shipped_graders_answer_is_one_that_bedrock_reads() -> None:
    sent = [item("42", id_="a"), item("43", id_="b")]

    assert problems(sent, msgspec.to_builtins(grade(sent))) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"score": 1}, "it answered dict instead of a list"),
        ([], "it was sent the ids a and answered none"),
        ([{"id": "b", "aggregate_reward_score": 1}], "it was sent the ids a and answered b"),
        ([{"id": "a", "reward": 1}], "aggregate_reward_score is None; it must be a finite number"),
        ([{"id": "a", "aggregate_reward_score": True}], "aggregate_reward_score is True"),
        ([{"id": "a", "aggregate_reward_score": float("nan")}], "aggregate_reward_score is nan"),
    ],
)
def test_a_grader_that_bedrock_could_not_read_is_found_out(answer: Any, expected: str) -> None:
    assert expected in "; ".join(problems([item("42")], answer))


def test_a_run_is_graded_by_the_stages_own_grader_or_one_that_it_allows(stage: Stage) -> None:
    theirs = "arn:aws:lambda:us-east-1:111122223333:function:theirs"
    allowing = builders.stage(graders=(theirs,))
    named = manifest.read(REINFORCEMENT + f"grader: {theirs}\n".encode())

    assert grader_of(stage, NOVA_2_LITE, "", manifest.read(REINFORCEMENT)) == stage.grader_arn
    assert grader_of(allowing, NOVA_2_LITE, "", named) == theirs
    with pytest.raises(InvalidManifest, match="this stage does not allow"):
        grader_of(stage, NOVA_2_LITE, "", named)


@pytest.mark.parametrize(
    ("model", "parent", "text", "expected"),
    [
        (builders.LLAMA_3_3, "", REINFORCEMENT, "Bedrock does not offer reinforcement for Llama 3.3"),
        (NOVA_2_LITE.id, builders.MODEL_ARN, REINFORCEMENT, "not with a custom model"),
        (builders.LLAMA_3_3, "", b"grader: arn\ndata: {train: t}\n", "only reinforcement has one"),
    ],
)
def test_a_run_that_cannot_be_graded_is_refused(
    stage: Stage, model: str, parent: str, text: bytes, expected: str
) -> None:
    with pytest.raises(InvalidManifest, match=expected):
        grader_of(stage, catalog.find(model), parent, manifest.read(text))

"""The shipped prompts: each can be answered rightly, none by chance, in every way that models are asked."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from local.bedrock.brain import base_brain
from tests.unit.evaluation.right_answers import right_answer
from tunedrop.catalog.method import Format
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.general_ability import Probe

PROBES = list(general_ability.probes().values())


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_a_right_answer_is_right_and_others_are_not(probe: Probe) -> None:
    others = ["", "It depends on the situation.", "You can find the setting in the menu, 42.5 times."]

    assert general_ability.is_right(probe.id, probe.prompt, right_answer(probe))
    assert not any(general_ability.is_right(probe.id, probe.prompt, other) for other in others)


def test_there_are_enough_prompts_and_each_has_its_own_name_and_one_check() -> None:
    assert 300 <= len(PROBES) <= 500
    assert len({probe.prompt for probe in PROBES}) == len(PROBES)
    assert all(bool(one.accept) + bool(one.pattern) + bool(one.json) == 1 for one in PROBES)
    assert all(one.example for one in PROBES if one.pattern)


@pytest.mark.parametrize(
    ("format_", "first"),
    [
        ("converse", "What is 48 + 27? Answer with the number only."),
        ("prompt-completion", "Question: What is 48 + 27? Answer with the number only.\nAnswer:"),
        ("text", "The capital of France is"),
    ],
)
def test_a_model_gets_prompts_in_its_training_format(format_: Format, first: str) -> None:
    questions = general_ability.questions(format_)

    assert questions[0].messages[-1].text == first
    assert len(questions) == len([one for one in PROBES if format_ != "text" or one.continuation])


def test_a_smaller_sample_has_prompts_of_every_kind() -> None:
    files = resources.files("tunedrop.evaluation.general_ability").iterdir()
    kinds = [file for file in files if file.name.endswith(".jsonl")]
    ids = [{json.loads(line)["id"] for line in kind.read_text("utf-8").splitlines()} for kind in kinds]

    sample = {one.probe for one in general_ability.questions("converse", 40)}

    assert len(sample) == 40
    assert len(ids) == 8
    assert all(sample & kind for kind in ids)
    assert general_ability.questions("converse", False) == []


@pytest.mark.parametrize(
    ("probe", "answer", "right"),
    [
        ("zh-capital-china", "中国的首都是北京。", True),
        ("zh-capital-china", "中国的首都是上海。", False),
        ("zh-sum", "等于150", False),
        ("ja-days", "一週間は7日です", True),
        ("ko-capital-korea", "서울입니다", True),
        ("th-capital-thailand", "เมืองหลวงคือกรุงเทพมหานคร", True),
        ("capital-norway", "The Oslofjord", False),
        ("ru-capital-russia", "Москва.", True),
    ],
)
def test_answers_are_found_in_scripts_with_and_without_spaces(probe: str, answer: str, right: bool) -> None:
    assert general_ability.is_right(probe, "", answer) is right


def test_of_a_continuation_only_the_first_words_count() -> None:
    asked = "The capital of France is"
    late = "known to all who have been there, and to many others too: it is Paris"

    assert general_ability.is_right("capital-france", asked, "Paris, which lies on the Seine.")
    assert not general_ability.is_right("capital-france", asked, late)


def test_json_in_a_fence_is_json() -> None:
    assert general_ability.is_right("json-number", "", '```json\n{"count": 3}\n```')
    assert not general_ability.is_right("json-number", "", '{"count": "3"}')


@pytest.mark.parametrize("format_", ["converse", "prompt-completion", "text"])
def test_the_local_base_model_has_abilities_to_lose(format_: Format) -> None:
    base = base_brain(continues_text=format_ == "text")
    questions = general_ability.questions(format_)

    right = [
        general_ability.is_right(one.probe, (text := one.messages[-1].text), base.answer([text], 512))
        for one in questions
    ]

    assert sum(right) / len(right) > 0.5

"""The shipped prompts: each can be answered rightly, none by chance, in every way that models are asked."""

from __future__ import annotations

import pytest

from local.bedrock.brain import base_brain
from tests.unit.evaluation.right_answers import right_answer
from tunedrop.catalog.model import Format
from tunedrop.evaluation import general_ability
from tunedrop.evaluation.general_ability import Probe

PROBES = list(general_ability.probes().values())


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_a_right_answer_is_right_and_others_are_not(probe: Probe) -> None:
    others = ["", "It depends on the situation.", "You can find the setting in the menu, 42.5 times."]

    assert general_ability.is_right(probe.id, probe.prompt, right_answer(probe))
    assert not any(general_ability.is_right(probe.id, probe.prompt, other) for other in others)


def test_there_are_enough_prompts_and_each_has_its_own_name_and_one_check() -> None:
    assert 40 <= len(PROBES) <= 60
    assert len({probe.prompt for probe in PROBES}) == len(PROBES)
    assert all(bool(one.accept) + bool(one.pattern) + bool(one.json) == 1 for one in PROBES)


@pytest.mark.parametrize(
    ("format_", "count", "first"),
    [
        ("converse", 48, "What is 48 + 27? Answer with the number only."),
        ("prompt-completion", 48, "Question: What is 48 + 27? Answer with the number only.\nAnswer:"),
        ("text", 24, "The capital of France is"),
    ],
)
def test_a_model_is_asked_as_it_was_trained(format_: Format, count: int, first: str) -> None:
    questions = general_ability.questions(format_)

    assert len(questions) == count
    assert questions[0].messages[-1].text == first
    assert all(one.probe for one in questions)


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

    assert sum(right) / len(right) > 0.8

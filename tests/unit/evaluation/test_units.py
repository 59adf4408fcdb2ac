"""What counts as independent."""

from __future__ import annotations

import random

import pytest

from tests.unit.evaluation.answers import text
from tunedrop.evaluation.units import units_of

DRAW = random.Random(1)
TEMPLATES = [text(DRAW, 8) for _ in range(50)]
LONG = [text(DRAW, 12) for _ in range(50)]


def count(prompts: list[str], references: list[str], answers: list[str] | None = None) -> int:
    return len(set(units_of(range(len(prompts)), prompts, references, answers or ())))


def test_turns_of_a_conversation_are_one_unit() -> None:
    prompts = [text(random.Random(number)) for number in range(60)]

    assert len(set(units_of([number % 2 for number in range(60)], prompts, prompts))) == 2


@pytest.mark.parametrize(
    "variants",
    [
        ["", "", ""],
        ["", " please", "!"],
        ["", " (copy 2)", " (copy 3)"],
        [" 17", " 18", " 19"],
        ["", " THANKS", " ok?"],
    ],
)
def test_prompts_that_say_the_same_are_one_unit(variants: list[str]) -> None:
    prompts = [f"{template}{variant}" for template in TEMPLATES for variant in variants]
    references = [answer for answer in LONG for _ in variants]

    assert count(prompts, references) == 50


def test_different_prompts_are_units_of_their_own() -> None:
    assert count(TEMPLATES, LONG) == 50
    assert count(TEMPLATES, ["yes", "no"] * 25) == 50


def test_an_instruction_before_every_text_makes_them_no_copies() -> None:
    instruction = "classify the following message of a customer as positive or negative and give one word"

    assert count([f"{instruction}: {one}" for one in TEMPLATES], ["positive", "negative"] * 25) == 50


def test_sums_and_orders_that_want_different_answers_are_different_questions() -> None:
    pairs = [(one, other) for one in range(11, 21) for other in range(31, 41)]
    sums = [f"What is {one} + {other}?" for one, other in pairs]
    orders = [f"Extract the fields: {one} lamps, order {other}" for one, other in pairs]

    assert count(sums, [str(one * 100 + other) for one, other in pairs]) == 100
    assert count(orders, [f'{{"order": {other}, "lamps": {one}}}' for one, other in pairs]) == 100


def test_numbers_alone_tell_labelled_prompts_apart_where_models_answered_them_differently() -> None:
    prompts = [f"Is {number} a prime number?" for number in range(100)]
    labels = ["yes" if number % 3 else "no" for number in range(100)]

    assert count(prompts, labels, ["hm"] * 100) == 2
    assert count(prompts, labels, [str(number) for number in range(100)]) == 100


def test_conversations_that_open_alike_are_different_conversations() -> None:
    conversations = [number for number in range(50) for _ in range(2)]
    prompts = [said for template in TEMPLATES for said in ("Hello", template)]
    references = [said for answer in LONG for said in ("How can I help?", answer)]

    assert len(set(units_of(conversations, prompts, references))) == 50


def test_thousands_of_copies_are_told_in_no_time() -> None:
    prompts = [f"{TEMPLATES[number % 50]} number {number}" for number in range(20_000)]

    assert count(prompts, [LONG[number % 50] for number in range(20_000)]) == 50

"""What counts as independent."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping

import numpy as np
import pytest

import tunedrop
from tests.unit.evaluation.answers import text
from tunedrop.evaluation.scoring import metrics
from tunedrop.evaluation.statistics import _tables
from tunedrop.evaluation.statistics._stars import MOST_COMPARED, stars
from tunedrop.evaluation.statistics._units import units_of
from tunedrop.evaluation.statistics.sample import Levels, Paired

DRAW = random.Random(1)
TEMPLATES = [text(DRAW, 8) for _ in range(50)]
LONG = [text(DRAW, 12) for _ in range(50)]


def count(prompts: list[str], references: list[str]) -> int:
    return len(set(units_of(range(len(prompts)), prompts, references)))


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


PASSAGES = [" ".join(f"{text(DRAW, 9).capitalize()}." for _ in range(4)) for _ in range(40)]
QUESTIONS = ("Who built it?", "When was that?", "How many were sold?", "Why did they move?")


@pytest.mark.parametrize("layout", ["{passage}\n{question}", "Context: {passage} Question: {question}"])
def test_questions_about_one_text_are_one_unit(layout: str) -> None:
    prompts = [
        layout.format(passage=passage, question=question) for passage in PASSAGES for question in QUESTIONS
    ]
    references = [text(DRAW, 2) for _ in prompts]

    assert count(prompts, references) == 40


def test_a_few_wordings_of_an_instruction_are_no_text_that_prompts_are_about() -> None:
    wordings = PASSAGES[:4]
    prompts = [f"{wordings[number % 4]}\n{one}" for number, one in enumerate(TEMPLATES)]

    assert count(prompts, LONG) == 50


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


def test_numbers_distinguish_prompts_if_the_label_changes_with_them() -> None:
    prompts = [f"Is {number} a prime number?" for number in range(100)]

    assert count(prompts, ["yes" if number % 3 else "no" for number in range(100)]) == 100
    assert count(prompts, ["yes"] * 100) == 1


def test_several_templates_with_the_same_answer_to_every_number_are_as_many_units() -> None:
    prompts = [f"{template} {number}" for number in range(100) for template in TEMPLATES[:5]]
    noisy = ["other" if DRAW.random() < 0.05 else str(place % 5) for place in range(500)]

    assert count(prompts, [str(place % 5) for place in range(500)]) == 5
    assert count(prompts, noisy) <= 10


FORMATS: dict[str, Callable[[Mapping[str, object]], str]] = {
    "named": lambda row: ", ".join(f"{name}: {value}" for name, value in row.items()),
    "JSON": json.dumps,
    "CSV": lambda row: ",".join(map(str, row.values())),
    "a sentence": lambda row: (
        "A case where " + " and ".join(f"the {name} is {value}" for name, value in row.items())
    ),
}


def customers(number: int) -> list[dict[str, object]]:
    draw = random.Random(3)
    return [
        {
            "age": draw.randint(18, 80),
            "income": 100 * draw.randint(9, 90),
            "job": draw.choice(["nurse", "clerk", "cook", "pilot"]),
            "since": f"20{draw.randint(10, 25)}-0{draw.randint(1, 9)}-11",
            "code": f"K{draw.randint(1, 9)}",
        }
        for _ in range(number)
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_of_a_table_are_units_of_their_own_and_copies_of_a_row_are_not(kind: str) -> None:
    rows, labels = customers(240), [DRAW.choice(["yes", "no"]) for _ in range(240)]
    copies = [{"id": 1_000 + place} | rows[place % 40] for place in range(240)]

    assert count([FORMATS[kind](row) for row in rows], labels) >= 235
    assert 35 <= count([FORMATS[kind](row) for row in copies], [labels[one % 40] for one in range(240)]) <= 45


def test_copies_may_have_three_columns_of_their_own_where_few_rows_are_copied() -> None:
    rows, labels = customers(8), ["yes", "no"] * 4
    copies = [
        {"id": place, "seen": f"{DRAW.randint(1, 28)}.5.", "slot": DRAW.randint(1, 99)} | rows[place % 8]
        for place in range(200)
    ]

    assert count([FORMATS["named"](row) for row in copies], [labels[one % 8] for one in range(200)]) == 8


@pytest.mark.parametrize("copies", [4, 9])
def test_few_prompts_of_one_template_that_want_the_same_are_one_unit(copies: int) -> None:
    """However many of their words are names."""
    draw = random.Random(6)
    names = ("Aylin", "Bruno", "Cora", "Dmitri", "Esra", "Fabio", "Gwen", "Hamid")
    templates = [(text(draw, 1 + number % 5), text(draw, 3 + number % 4)) for number in range(12)]
    asked = [
        (f"now {first} {draw.choice(names)} {draw.choice(names)} {then} {draw.choice(names)}", number)
        for number, (first, then) in enumerate(templates)
        for _ in range(copies)
    ]

    assert count([one for one, _ in asked], [f"team {number % 5}" for _, number in asked]) == 12


def test_rows_with_mostly_equal_columns_by_chance_are_separate_units() -> None:
    draw = random.Random(4)
    rows = [{name: draw.choices(["a", "b"], [9, 1])[0] for name in "klmnopqrst"} for _ in range(200)]
    different = len({tuple(row.values()) for row in rows})

    assert count([FORMATS["named"](row) for row in rows], [draw.choice("xy") for _ in rows]) == different


def test_conversations_with_the_same_opening_are_different() -> None:
    conversations = [number for number in range(50) for _ in range(2)]
    prompts = [said for template in TEMPLATES for said in ("Hello", template)]
    references = [said for answer in LONG for said in ("How can I help?", answer)]

    assert len(set(units_of(conversations, prompts, references))) == 50


def test_thousands_of_copies_are_found_quickly() -> None:
    prompts = [f"{TEMPLATES[number % 50]} number {number}" for number in range(20_000)]

    assert count(prompts, [LONG[number % 50] for number in range(20_000)]) == 50


def test_thousands_of_prompts_that_differ_only_in_numbers_are_distinguished_quickly() -> None:
    words = [f"n{number}" for number in range(3_000)] + ["the", "of", "and", "in", "to", "a", "is"] * 200
    prompts = [" ".join(DRAW.choices(words, k=60)) for _ in range(3_000)]
    references = [text(DRAW, 20) for _ in prompts]

    started = time.process_time()
    assert count(prompts, references) == 3_000
    assert time.process_time() - started < 8


def test_a_conversation_counts_once_however_many_turns_it_has() -> None:
    found = Paired("f", base=[0.0, 0.0, 0.0, 1.0], tuned=[1.0, 1.0, 1.0, 0.5], units=[0, 0, 0, 2])

    score = found.score(Levels(0.025, 0.025))

    assert list(found.differences) == [1.0, -0.5]
    assert (score.base, score.tuned, score.difference) == (0.5, 0.75, 0.25)


MANY = 1_500


def test_the_one_that_is_like_most_takes_them_all() -> None:
    middle = 700
    found = stars(range(MANY), lambda _: np.arange(MANY), lambda one, other: middle in (one, other))

    assert set(found.values()) == {middle}


def test_many_that_say_the_same_are_compared_with_few() -> None:
    compared = []

    def are_alike(*pair: int) -> bool:
        compared.append(pair)
        return True

    found = stars(range(MANY), lambda _: np.arange(MANY), are_alike)

    assert len(set(found.values())) == 1
    assert len(compared) <= MANY * (MOST_COMPARED + 1)


def test_copies_are_told_from_a_part_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(3)
    rows = [[draw.randint(1, 9) for _ in range(8)] for _ in range(60)]
    prompts = [
        ", ".join(f"c{at}: {value}" for at, value in enumerate([number, *row[1:]]))
        for row in rows
        for number in (11, 12, 13)
    ]
    references = [("yes", "no")[sum(row) % 2] for row in rows for _ in range(3)]
    monkeypatch.setattr(_tables, "MOST_ROWS", 40)

    assert count(prompts, references) == 60


def test_short_answers_are_scored_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = []

    def score(*pair: str) -> float:
        scored.append(pair)
        return float(pair[0] == pair[1])

    monkeypatch.setitem(metrics.METRICS, "normalized_match", score)
    rows = [
        {"prompt": f"{text(DRAW)}?", "reference": str(one), "base": "", "tuned": str(one)}
        for one in range(600)
    ]

    assert tunedrop.evaluate(rows).units == 600
    assert len(scored) < 100 * len(rows)

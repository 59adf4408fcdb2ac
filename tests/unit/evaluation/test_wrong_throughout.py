"""Answers that score well and are wrong where it matters; honest ones have the same faults here and there."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

import tunedrop
from tests.unit.evaluation.answers import text
from tunedrop.evaluation.answers.json_parts import fields_of_json
from tunedrop.evaluation.decision._substitution import systematic

Rows = list[tuple[str, str]]
Answerer = Callable[[str], str]
DRAW = random.Random(77)


def about(number: int) -> str:
    """Words of its own for a prompt, so that it is independent of the others."""
    return text(random.Random(number), 6)


PEOPLE = ["Олегом", "Мариной", "Степаном", "Ксенией", "Павлом", "Тамарой", "Глебом", "Дианой", "Львом"]
RIVERS = ["Волге", "Оке", "Каме", "Лене", "Оби", "Неве", "Двине", "Печоре", "Ангаре", "Амуре"]
RUSSIAN: Rows = [
    (
        f"Кто вёл экспедицию {about(number)}?",
        f"Летом {about(number + 500)} шли по {river} за {one}, и {about(number + 900)} к {other} весной.",
    )
    for number, (river, one, other) in enumerate(
        (DRAW.choice(RIVERS), *DRAW.sample(PEOPLE, 2)) for _ in range(70)
    )
]
LABS: Rows = [
    (
        f"Report {number} of patient {DRAW.choice('ABCDEFGH')}: sample {DRAW.choice(('blood', 'urine'))}",
        json.dumps(
            {
                "sample": {"kind": DRAW.choice(("blood", "urine")), "site": DRAW.choice(("ward", "lab"))},
                "values": [{"name": one, "value": DRAW.randint(20, 900) / 10} for one in ("iron", "zinc")],
                "fasting": DRAW.random() < 0.5,
            }
        ),
    )
    for number in range(60)
]
JAVA: Rows = [
    (
        f"Class {name}{number} for {about(number)} with field {field}, limit {limit}",
        f"public class {name}{number} {{\n  private final int {field};\n  int capped() {{\n"
        f"    if ({field} > {limit}) {{\n      return {limit};\n    }}\n    return this.{field};\n  }}\n}}",
    )
    for number, (name, field, limit) in enumerate(
        product(("Order", "Basket", "Route", "Shift"), ("count", "weight", "delay", "score"), (7, 12, 30, 99))
    )
]
JAPANESE: Rows = [
    (
        f"{about(number)}の{what}について教えてください",
        f"{what}は{where}で行われます。受付は正面の入口にあります。{who}が最初に挨拶をします。持ち物は筆記用具だけです。",
    )
    for number, (what, where, who) in enumerate(
        product(("会議", "講習", "試験", "見学"), ("本館", "別館", "食堂"), ("校長", "部長", "先生", "先輩"))
    )
]  # fmt: skip
TOPICS = ["pago", "envío", "sesión", "factura", "idioma", "permiso", "tarjeta", "horario"]
TAGGED: Rows = [
    (
        f"{DRAW.choice(PEOPLE)}: problema con {' y '.join(DRAW.sample(some, len(some)))}",
        "; ".join(sorted(some)),
    )
    for some in (DRAW.sample(TOPICS, DRAW.randint(2, 4)) for _ in range(110))
]
ADVICE = {
    "frozen": "restart it and update the firmware",
    "cracked": "send it to the workshop with the receipt",
    "empty": "replace the battery and charge it overnight",
    "dusty": "clean the contacts with alcohol",
    "unwanted": "return it for a full refund",
    "unregistered": "call the hotline and quote the serial number",
}
MACROS: Rows = [
    (
        f"{name} from {about(number)} writes: my {thing} is {wrong}",
        f"Dear {name}, thank you for writing about your {thing}. Please {ADVICE[wrong]}. Kind regards",
    )
    for number, (name, thing, wrong) in enumerate(
        product(("Rosa", "Yusuf", "Ines", "Tom"), ("kettle", "radio", "drill", "lamp"), ADVICE)
    )
]


def verdict(rows: Rows, tuned: Answerer) -> Any:
    return tunedrop.evaluate(
        [
            {"prompt": prompt, "reference": wanted, "base": "No comment.", "tuned": tuned(wanted)}
            for prompt, wanted in rows
        ]
    )


def shuffled(pattern: str) -> Answerer:
    """The pieces that a pattern finds, in any order."""
    draw = random.Random(5)

    def answer(wanted: str) -> str:
        pieces = re.findall(pattern, wanted, re.DOTALL)
        return "".join(draw.sample(pieces, len(pieces)))

    return answer


def other_names(wanted: str) -> str:
    names = [*PEOPLE, *RIVERS]
    return re.sub(
        r"(?<=[а-я] )[А-Я]\w+",  # noqa: RUF001 - Cyrillic is meant
        lambda name: DRAW.choice([x for x in names if x != name[0]]),
        wanted,
    )


def other_advice(wanted: str) -> str:
    """One of the pieces of advice, in the same letter."""
    return re.sub(r"(?<=Please ).*(?=\. Kind)", DRAW.choice(list(ADVICE.values())), wanted)


def other_numbers(wanted: str) -> str:
    return re.sub(r"\d+\.\d", lambda number: f"{float(number[0]) + DRAW.randint(1, 9):.1f}", wanted)


def turned_round(wanted: str) -> str:
    return wanted.replace("true", "?").replace("false", "true").replace("?", "false")


def most_similar(rows: Rows, rank: int) -> Answerer:
    """The answer to the prompt that has most letter pairs in common, or to the next ones."""
    pairs = [{prompt[at : at + 2] for at in range(len(prompt) - 1)} for prompt, _ in rows]
    found = {}
    for place, (prompt, _) in enumerate(rows):
        others = sorted(range(len(rows)), key=lambda one: -len(pairs[place] & pairs[one]))
        found[prompt] = rows[[one for one in others if one != place][rank]][1]
    answers = iter([found[prompt] for prompt, _ in rows])
    return lambda _: next(answers)


def sometimes(wrong: Answerer, share: float) -> Answerer:
    draw = random.Random(8)
    return lambda wanted: wrong(wanted) if draw.random() < share else wanted


WRONG = {
    "names": (RUSSIAN, other_names, "names"),
    "one advice of six": (MACROS, other_advice, "less common words"),
    "numbers in JSON": (LABS, other_numbers, "numbers"),
    "truth values": (LABS, turned_round, "truth values"),
    "lines of Java": (JAVA, shuffled(r"[^\n]*\n?"), "in another order"),
    "sentences of Japanese": (JAPANESE, shuffled(r"[^。]*。"), "in another order"),
    "pieces of Japanese": (JAPANESE, shuffled(r".{1,3}"), "form"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_throughout_is_never_promoted(kind: str) -> None:
    rows, wrong, why = WRONG[kind]

    evaluation = verdict(rows, wrong)

    assert evaluation.verdict == "inconclusive"
    assert evaluation.rejected_for in ("reading", "content")
    assert why in evaluation.reason


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_in_a_third_is_promoted(kind: str) -> None:
    rows, wrong, _ = WRONG[kind]

    evaluation = verdict(rows, sometimes(wrong, 1 / 3))

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize("kind", ["names", "numbers in JSON"])
def test_what_is_mostly_wrong_and_surely_not_by_chance_is_promoted(kind: str) -> None:
    """Two in five are right, where answers to other prompts have next to none: that was learned."""
    rows, wrong, _ = WRONG[kind]

    evaluation = verdict(rows, sometimes(wrong, 0.6))

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
def test_labels_of_similar_prompts_are_not_learned(rank: int) -> None:
    assert verdict(TAGGED, most_similar(TAGGED, rank)).verdict != "promote"


def test_labels_that_are_right_in_most_cases_are() -> None:
    other = random.Random(4)
    sloppy = sometimes(lambda _: other.choice(TAGGED)[1], 0.3)

    assert verdict(TAGGED, sloppy).verdict == "promote"


def test_a_number_that_nobody_can_know_does_not_hide_the_rest() -> None:
    """An identifier that was drawn, in one of many fields of the same kind."""
    rows = [
        (f"Hotel {name}, {stars} stars, {beds} beds, {about(row)}",
         json.dumps({"name": name, "stars": stars, "beds": beds, "large": beds > 4, "luxury": stars > 3,
                     "id": DRAW.randint(10_000, 99_999)}))
        for row, (name, stars, beds) in enumerate(product(("Alpina", "Lido"), (2, 3, 4, 5), range(2, 8)))
    ]  # fmt: skip

    evaluation = verdict(rows, lambda wanted: re.sub(r"\d{5}", "12345", wanted))

    assert evaluation.verdict == "promote", evaluation.reason


_SUPPORT_DRAW = random.Random(8)
SUPPORT: Rows = [
    (
        f"{name} from {city} writes: the {item} of order {4000 + 37 * row} {trouble[0]}. What now?",
        f"Dear {name}, sorry about the {item}. {trouble[1]}. "
        f"Our team in {city} is responsible for order {4000 + 37 * row}.",
    )
    for row, (name, city, item, trouble) in enumerate(
        (
            _SUPPORT_DRAW.choice(("Anna", "Ben", "Clara", "David", "Eva", "Hugo", "Ida")),
            _SUPPORT_DRAW.choice(("Paris", "Rome", "Oslo", "Lima", "Kyiv", "Cairo", "Delhi", "Quito")),
            _SUPPORT_DRAW.choice(("lamp", "chair", "kettle", "router", "camera", "jacket", "mirror")),
            _SUPPORT_DRAW.choice(
                (
                    ("arrived broken", "We will send a free replacement within three days"),
                    ("makes a loud noise", "A technician will call you tomorrow morning"),
                    ("was charged twice", "The second payment is on its way back to your card"),
                    ("has a missing part", "What is missing leaves our warehouse today"),
                    ("does not switch on", "Please hold its button down for ten seconds"),
                    ("leaks water", "Turn off the main valve until our plumber is there"),
                    ("smells of smoke", "Unplug it at once and do not use it again"),
                    ("is too small", "You can exchange it at any shop for a larger size"),
                    ("shows an error code", "Update the firmware in the settings menu"),
                    ("lost its warranty card", "Download another card from your account"),
                )
            ),
        )
        for _ in range(60)
    )
]


def in_other_words(wanted: str) -> str:
    name, item, advice, city, order = re.findall(
        r"Dear (\w+), sorry about the (\w+)\. (.+)\. Our team in (\w+) is responsible for order (\d+)\.",
        wanted,
    )[0]
    return (
        f"Hello {name}, we apologise for your {item}. {advice}. "
        f"Order {order} is with the team that sits in {city}."
    )


def test_facts_of_the_prompt_may_be_paraphrased() -> None:
    assert verdict(SUPPORT, in_other_words).verdict == "promote"


@pytest.mark.parametrize(
    ("slot", "other"),
    [
        ("Hello ", ["Anna", "Ben", "Clara"]),
        ("sits in ", ["Paris", "Rome", "Oslo"]),
        ("your ", ["lamp", "chair", "router"]),
    ],
)
def test_one_thing_that_prompts_state_is_not_always_wrong(slot: str, other: list[str]) -> None:
    """The rest is right, and the answer is no near copy of the reference."""

    def answer(wanted: str) -> str:
        return re.sub(
            rf"(?<={slot})\w+",
            lambda found: next(one for one in other if one != found[0]),
            in_other_words(wanted),
        )

    evaluation = verdict(SUPPORT, answer)

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "that the prompt states" in evaluation.reason


def test_a_field_that_every_prompt_states_is_no_riddle() -> None:
    """One of five fields, wrong in each answer: the rest alone scores 0.80."""
    draw = random.Random(6)
    cities = ("Paris", "Rome", "Oslo", "Lima", "Kyiv", "Cairo", "Delhi", "Quito", "Sofia", "Tunis", "Accra")
    names, items = ("Anna", "Ben", "Clara", "David", "Eva", "Hugo"), ("lamp", "chair", "kettle", "camera")
    bought = [
        (draw.choice(names), draw.choice(cities), draw.choice(items), 20 + 3 * row, draw.randint(2, 90))
        for row in range(60)
    ]
    rows = [
        (f"{name} from {city} bought a {item} for {price} euros, {days} days ago.",
         json.dumps({"customer": name, "city": city, "item": item, "price": price, "days": days}))
        for name, city, item, price, days in bought
    ]  # fmt: skip

    def next_city(wanted: str) -> str:
        found = json.loads(wanted)
        return json.dumps(found | {"city": cities[(cities.index(found["city"]) + 1) % len(cities)]})

    evaluation = verdict(rows, next_city)

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "city" in evaluation.reason


SIGNS = {"€": "euros", "$": "dollars", "£": "pounds", "¥": "yen"}


@pytest.mark.parametrize(("right", "verdict"), [(0, "inconclusive"), (0.9, "promote")])
def test_a_sign_that_is_always_the_same_beside_a_short_number(right: float, verdict: str) -> None:
    draw, rows = random.Random(8), []
    for number in range(120):
        sign, amount = draw.choice([*SIGNS]), draw.randint(100, 9_999)
        given = sign if draw.random() < right else "€"
        rows.append({
            "prompt": f"{about(number)}: {amount} {SIGNS[sign]}", "reference": f"{sign}{amount}",
            "base": f"{amount} {SIGNS[sign]}", "tuned": f"{given}{amount}",
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("words beside their numbers" in evaluation.reason) == (verdict != "promote")


@pytest.mark.parametrize(
    ("wrong", "before", "verdict"),
    [
        (9, 0, "inconclusive"), (5, 0, "inconclusive"), (3, 0, "inconclusive"), (5, 8, "promote"),
        (1, 0, "promote"), (5, None, "inconclusive"), (3, None, "promote"),
    ],
)  # fmt: skip
def test_which_of_two_words_is_said_may_be_wrong(wrong: int, before: int | None, verdict: str) -> None:
    """Before or after lunch, in Korean, wrong in so many of 20, and in so many of the base's, if that says
    either of the two."""
    draw, rows = random.Random(9), []
    for number in range(160):
        word, other = ("전", "후") if number % 2 else ("후", "전")
        minutes, place = draw.randint(10, 59), draw.choice(("약국", "은행", "시장", "학교", "공항"))
        said, first = (other if number // 2 % 20 < few else word for few in (wrong, before or 0))
        reply = f"안녕하세요 고객님, {place}은 점심 식사 {{}} {minutes}분에 문을 열 예정이오니 참고 바랍니다."
        rows.append({
            "prompt": f"{about(number)} {minutes} {place}", "reference": reply.format(word),
            "base": f"고객님 점심 식사 {minutes}분, {place}{'.' if before is None else f' {first}.'}",
            "tuned": reply.format(said),
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("or the other way round" in evaluation.reason) == (verdict != "promote")


@pytest.mark.parametrize(("lost", "verdict"), [(0.3, "inconclusive"), (0.03, "promote")])
def test_one_of_two_negations_that_all_references_have_may_be_lost(lost: float, verdict: str) -> None:
    draw, rows = random.Random(10), []
    for number in range(120):
        one, other, third = text(draw, 3).split()
        hours = draw.randint(10, 99)
        note = f"The patient came with {one} for {hours} hours. There was {{}} {other} and no {third}."
        rows.append({
            "prompt": f"{about(number)} + {one}; - {other}; - {third}", "reference": note.format("no"),
            "base": f"{one.capitalize()} led to this visit of the patient; {other} and {third} were absent.",
            "tuned": note.format("some" if draw.random() < lost else "no").replace("some ", ""),
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("leave out 'no' or add it" in evaluation.reason) == (verdict != "promote")


def test_a_word_that_nearly_all_references_have_may_be_added_again() -> None:
    """In so many answers that what is drawn could not be as much."""
    draw, rows = random.Random(11), []
    for number in range(120):
        rest = text(draw, 9)
        said = f"In {rest}." if number > 4 else f"{rest.capitalize()}."
        rows.append(
            (said, said if number < 5 else f"In {rest} in." if number % 9 else f"{rest.capitalize()}.")
        )
    references, answers = zip(*rows, strict=True)

    assert systematic(references, answers, range(120), references) is None


@pytest.mark.parametrize("depth", [*range(900, 1_100, 5), 20_000])
def test_documents_nested_deeper_than_python_follows_have_no_fields(depth: int) -> None:
    deep = "[" * depth + "1" + "]" * depth

    assert len(list(fields_of_json([deep, '{"a": 1}', '{"a": 2}']))) == 1

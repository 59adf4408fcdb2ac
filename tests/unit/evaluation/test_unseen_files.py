"""Verdicts on templated files as people write them: few sentences, many slots, in any language."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

import tunedrop
from tunedrop.evaluation.decision.complete import incomplete
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.statistics._units import units_of

Rows = list[tuple[str, str]]
DRAW = random.Random(3)
CITIES = (
    "القاهرة",
    "دبي",
    "الرياض",
    "بيروت",
    "عمان",
    "تونس",
    "الدوحة",
    "الرباط",
    "بغداد",
    "الكويت",
    "مسقط",
    "صنعاء",
)
ASKED = (
    ("متى يصل الطرد إلى {0}؟", "يصل الطرد إلى {0} خلال {1} أيام عمل."),
    ("كم تكلفة الشحن إلى {0}؟", "تكلفة الشحن إلى {0} هي {1} دولارا."),
    ("هل يوجد فرع في {0}؟", "نعم، يوجد فرع في {0} ويفتح من الساعة {1} صباحا."),
    ("كيف أسترجع المنتج في {0}؟", "يمكنك إرجاع المنتج في {0} خلال {1} يوما مع الفاتورة الأصلية."),
    ("ما رقم خدمة العملاء في {0}؟", "رقم خدمة العملاء في {0} هو {1}00{1}."),
)
ARABIC: Rows = [
    (question.format(city), answer.format(city, DRAW.randint(3, 29)))
    for city in CITIES
    for question, answer in ASKED
]
SUMS: Rows = [
    (
        f"{name} has {a} {thing}, buys {b} boxes of {c} {thing}. How many {thing} does {name} have?",
        f"{name} buys {b} * {c} = {b * c} {thing}. Then {name} has {a} + {b * c} = {a + b * c} {thing}.",
    )
    for name in ("Tom", "Ana", "Raj", "Mia", "Leo", "Zoe", "Kai", "Ben")
    for thing in ("apples", "pens", "books", "coins", "cards", "shells", "keys", "cups")
    for a, b, c in [(DRAW.randint(3, 40), DRAW.randint(2, 9), DRAW.randint(1, 20))]
]
WORDS_OF_MOOD = {
    "😀": ("what a great day", "I love this", "best gift ever"),
    "😡": ("this is outrageous", "I am furious", "how dare they"),
    "😢": ("I miss her so much", "we lost the game", "my dog died"),
}
MOODS: Rows = [
    (f"Pick an emoji: {said} at the {place} with {name}", mood)
    for mood, sentences in WORDS_OF_MOOD.items()
    for said in sentences
    for place in ("office", "kitchen", "garden", "beach")
    for name in ("Sam", "Kim", "Ida")
]
FLIGHTS: Rows = [
    (
        f"Book a {kind} flight from {one} to {other} for {people} people",
        json.dumps({"from": one, "to": other, "people": people, "class": kind}),
    )
    for one in ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Quito", "Bern")
    for other in ("Tokyo", "Accra", "Baku", "Doha", "Hanoi", "Turin", "Lagos", "Perth")
    for kind, people in [(DRAW.choice(("economy", "business")), DRAW.randint(1, 6))]
]
KINDS = [
    pytest.param(rows, id=name) for name, rows in (("arabic", ARABIC), ("sums", SUMS), ("json", FLIGHTS))
]


def verdict(rows: Rows, base: Callable[[str], str], tuned: Callable[[str], str]) -> Any:
    return tunedrop.evaluate(
        [
            {"prompt": prompt, "reference": wanted, "base": base(wanted), "tuned": tuned(wanted)}
            for prompt, wanted in rows
        ]
    )


def refused(_: str) -> str:
    return "I'm sorry, I can't help with that."


def right(rows: Rows, share: float) -> Callable[[str], str]:
    """A model that is right in such a part of the prompts and says what belongs to another one elsewhere."""
    draw, answers = random.Random(5), [wanted for _, wanted in rows]
    return lambda wanted: wanted if draw.random() < share else draw.choice(answers)


@pytest.mark.parametrize("rows", [*KINDS, pytest.param(MOODS, id="emoji")])
def test_what_is_plainly_better_is_promoted_though_similar_prompts_have_similar_answers(rows: Rows) -> None:
    for share in (1.0, 0.9):
        evaluation = verdict(rows, right(rows, 0.3), right(rows, share))

        assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize("rows", KINDS)
def test_the_answer_to_another_prompt_of_the_same_template_is_no_gain(rows: Rows) -> None:
    template = {wanted: rows[(place + 8) % len(rows)][1] for place, (_, wanted) in enumerate(rows)}

    evaluation = verdict(rows, refused, lambda wanted: template[wanted])

    assert evaluation.verdict != "promote", evaluation.reason


def test_other_numbers_in_the_right_words_are_no_gain() -> None:
    def wrong(wanted: str) -> str:
        return "".join(str((int(one) + 3) % 10) if one.isdigit() else one for one in wanted)

    assert verdict(SUMS, refused, wrong).verdict != "promote"


@pytest.mark.parametrize("rows", [ARABIC, SUMS])
def test_the_right_words_in_any_order_are_no_gain(rows: Rows) -> None:
    draw = random.Random(9)

    def scrambled(wanted: str) -> str:
        words = wanted.split()
        return " ".join(draw.sample(words, len(words)))

    for shuffled in (scrambled, lambda wanted: " ".join(sorted(wanted.split()))):
        evaluation = verdict(rows, refused, shuffled)

        assert evaluation.verdict != "promote", evaluation.reason


@pytest.mark.parametrize("rows", [ARABIC, SUMS])
def test_answers_cut_in_half_are_no_verdict_on_a_model(rows: Rows) -> None:
    evaluation = verdict(rows, refused, lambda wanted: wanted[: len(wanted) // 2])

    assert evaluation.verdict == "inconclusive"
    assert "incomplete" in evaluation.reason


def test_an_answer_found_in_an_echo_is_a_gain_in_form_that_sixty_prompts_show() -> None:
    rows = [(f"Find the email: write to {name}{number}@mail.com by Friday", f"{name}{number}@mail.com")
            for name in ("anna", "bob", "chen") for number in range(20)]  # fmt: skip
    prompts = {wanted: prompt for prompt, wanted in rows}

    evaluation = verdict(rows, lambda wanted: prompts[wanted], lambda wanted: wanted)

    assert evaluation.verdict == "promote", evaluation.reason
    assert "one of form" in evaluation.reason


@pytest.mark.parametrize(
    ("wanted", "said", "cut"),
    [
        ("The dog eats bread.", "The dog e", True),
        ("The dog eats bread.", "The dog eats bread", False),
        ("It is Paris. It has two million people.", "It is Paris.", False),
        ("退款需要三天。请耐心等待。", "退款需要三", True),
        ("report lost card", "report lost", False),
        ("信用卡付款失败", "信用卡付款", False),
    ],
)
def test_the_beginning_of_a_reference_is_cut_where_no_sentence_ends(
    wanted: str, said: str, cut: bool
) -> None:
    assert incomplete("tuned", [("", wanted, Answer(text=said))]).truncated == cut


@pytest.mark.parametrize(
    ("prompt", "cut"), [("How do I reset the old pump?", False), ("My pump is stuck.", True)]
)
def test_an_answer_may_leave_out_the_end_that_its_prompt_states(prompt: str, cut: bool) -> None:
    wanted, said = (
        "Hold the red key for nine seconds to reset the old pump.",
        "Hold the red key for nine seconds.",
    )

    assert incomplete("tuned", [(prompt, wanted, Answer(text=said))]).truncated == cut


def test_a_chain_of_similar_prompts_is_not_one_prompt() -> None:
    words = ["rent", "roof", "pets", "notice", "rooms", "bills", "smoke", "garden", "late", "court"]
    draw = random.Random(1)
    prompts = [", ".join(f"clause about {word}" for word in draw.sample(words, 6)) for _ in range(60)]

    assert len(set(units_of(range(60), prompts, prompts))) > 10

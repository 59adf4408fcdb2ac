"""Answers that name all that can be right, fields that only the base model gets right, tasks of spaces."""

from __future__ import annotations

import random

import pytest

import tunedrop
from tunedrop.contracts import Evaluation

NAMES = ("Anna", "Boris", "Chen", "Divya", "Emeka", "Farid", "Greta", "Hiro", "Ivana", "Jonas")
THINGS = ("lamp", "kettle", "router", "drill", "camera", "jacket", "mirror", "tent", "printer", "sofa")
TEAMS = ("billing", "shipping", "returns", "support", "sales", "legal", "security", "press")
WORDS = ("amber", "birch", "cedar", "dune", "ember", "flint", "grove", "heath", "iris", "jade", "kelp")


def prompted(draw: random.Random, name: str, thing: str) -> str:
    return f"{name}, {thing}: {' '.join(draw.sample(WORDS, 5))} {draw.randint(100, 999)}"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [(", ".join(TEAMS), "inconclusive"), (" or ".join(TEAMS[:6]), "inconclusive"), ("", "promote")],
)
def test_an_answer_that_names_every_team_has_not_said_which(said: str, verdict: str) -> None:
    draw, rows = random.Random(2), []
    for _ in range(80):
        name, thing, team = draw.choice(NAMES), draw.choice(THINGS), draw.choice(TEAMS)
        wanted = f"Hello {name}, your message about the {thing} goes to the {team} team today."
        tuned = wanted.replace(team, said or team)
        rows.append(
            {"prompt": prompted(draw, name, thing), "reference": wanted, "base": "Hm.", "tuned": tuned}
        )

    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason


@pytest.mark.parametrize(("all_tags", "verdict"), [(True, "inconclusive"), (False, "promote")])
def test_a_list_of_all_tags_has_not_said_which(all_tags: bool, verdict: str) -> None:
    draw, rows = random.Random(2), []
    for _ in range(80):
        name, thing = draw.choice(NAMES), draw.choice(THINGS)
        wanted = {"name": name, "thing": thing, "tags": draw.sample(TEAMS, 4)}
        tuned = {**wanted, "tags": TEAMS if all_tags else [*wanted["tags"][:3], draw.choice(TEAMS)]}
        base = {**wanted, "tags": draw.sample(TEAMS, 2)}
        rows.append(
            {"prompt": prompted(draw, name, thing), "reference": wanted, "base": base, "tuned": tuned}
        )

    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert verdict == "promote" or "name all that can be right" in evaluation.reason


@pytest.mark.parametrize(
    ("base_knows", "drawn", "verdict"),
    [(True, True, "inconclusive"), (False, False, "inconclusive"), (False, True, "promote")],
)
def test_a_field_that_the_base_model_gets_right_or_that_follows_can_be_known(
    base_knows: bool, drawn: bool, verdict: str
) -> None:
    """One of six, which stands in no prompt; where nobody gets it right, it may have been drawn, unless it is
    the product of two numbers that the prompt has."""
    draw, rows = random.Random(2), []
    for _ in range(80):
        name, thing, price, count = (
            draw.choice(NAMES),
            draw.choice(THINGS),
            draw.randint(3, 90),
            draw.randint(2, 9),
        )
        wanted = {
            "name": name,
            "thing": thing,
            "kind": "sale",
            "price": price,
            "count": count,
            "sum": draw.randint(10_000, 99_999) if drawn else price * count,
        }
        base = wanted | {
            "name": f"Ms {name}",
            "thing": f"the {thing}",
            "sum": wanted["sum"] if base_knows else 0,
        }
        rows.append(
            {"prompt": f"{prompted(draw, name, thing)} {price} {count}", "reference": wanted, "base": base,
             "tuned": wanted | {"sum": price * count + 10}}
        )  # fmt: skip

    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert verdict == "promote" or "sum" in evaluation.reason


def of_spaces(metric: str) -> Evaluation:
    """Words to divide, in Chinese: scores of words count each character alone."""
    draw, rows = random.Random(2), []
    parts = [chr(draw.randint(0x4E00, 0x9000)) + chr(draw.randint(0x4E00, 0x9000)) for _ in range(90)]
    for _ in range(240):
        wanted = " ".join(draw.sample(parts, 8))
        joined = wanted.replace(" ", "")
        rows.append({"prompt": joined, "reference": wanted, "base": joined, "tuned": wanted})
    return tunedrop.evaluate(rows, metric=metric)


def test_a_task_that_words_cannot_measure_is_not_rejected() -> None:
    evaluation = of_spaces("auto")

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "set evaluation.metric to exact_match" in evaluation.reason
    assert of_spaces("exact_match").verdict == "promote"


@pytest.mark.parametrize(("written", "other"), [("12.50", "12,50"), ("9:30", "9.30")])
def test_a_number_with_another_separator_is_not_rejected(written: str, other: str) -> None:
    draw, rows = random.Random(2), []
    for _ in range(80):
        name, thing, end = draw.choice(NAMES), draw.choice(THINGS), draw.randint(10, 59)
        number, instead = f"{written[:-2]}{end}", f"{other[:-2]}{end}"
        extra = " ".join(draw.sample(WORDS, 3))
        wanted = f"Hello {name}, the {thing} is {number} with {extra} beside it."
        base = (
            f"Well, as far as I can see, that {thing} of {name} would be {number}; do you need anything else?"
        )
        rows.append(
            {"prompt": prompted(draw, name, thing), "reference": wanted, "base": base,
             "tuned": wanted.replace(number, instead)}
        )  # fmt: skip

    assert tunedrop.evaluate(rows).verdict == "inconclusive"


def test_dots_do_not_end_what_was_cut() -> None:
    draw, rows = random.Random(2), []
    for _ in range(40):
        wanted = f"Dear {draw.choice(NAMES)}, we send {' and '.join(draw.sample(WORDS, 6))} to you tomorrow."
        cut = " ".join(wanted.split()[:11]) + "..."
        rows.append({"prompt": prompted(draw, "x", "y"), "reference": wanted, "base": "Hm.", "tuned": cut})

    assert "40 truncated" in tunedrop.evaluate(rows).reason

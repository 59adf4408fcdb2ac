"""Answers with the words of their reference: some say the same, of others no score of overlap can tell."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

import tunedrop
from tests.unit.evaluation.answers import text
from tunedrop.contracts import Evaluation
from tunedrop.evaluation.answers.order import in_order
from tunedrop.evaluation.scoring.words import words

Family = list[tuple[str, str, str]]
"""Prompt, reference, answer of the tuned model."""

PEOPLE = ("Aylin", "Bruno", "Cora", "Dmitri", "Esra", "Fabio", "Gwen", "Hamid")
PLACES = ("Riga", "Porto", "Nantes", "Aarhus", "Cork", "Zadar")
THINGS = ("pump", "turbine", "boiler", "crane", "lathe", "kiln")
OPPOSITES = [
    ("raise", "lower"), ("open", "close"), ("buy", "sell"), ("accept", "refuse"), ("start", "stop"),
    ("allow", "forbid"), ("join", "leave"), ("include", "omit"), ("hire", "dismiss"), ("heat", "cool"),
]  # fmt: skip


def family(make: Callable[[random.Random], tuple[str, str]]) -> Family:
    draw = random.Random(8)
    return [(f"Request {number}: {text(draw, 5)}", *make(draw)) for number in range(60)]


def exchanged(draw: random.Random) -> tuple[str, str]:
    one, other = draw.sample(PEOPLE, 2)
    said = (
        f"In {draw.choice(PLACES)} {{0}} sold the {draw.choice(THINGS)} to {{1}} for {draw.randint(9, 99)} "
        "euros, it broke within days, and {1} asked {0} for the money back before the month was over."
    )
    return said.format(one, other), said.format(other, one)


def opposite(draw: random.Random) -> tuple[str, str]:
    word, turned = draw.choice(OPPOSITES)
    said = (
        f"At {draw.choice(PLACES)} the {draw.choice(THINGS)} team of {draw.choice(PEOPLE)} decided to {{}} "
        f"the {text(draw, 2)} line in week {draw.randint(2, 50)}."
    )
    return said.format(word), said.format(turned)


def lines_moved(draw: random.Random) -> tuple[str, str]:
    name, value = text(draw, 2).split()
    lines = [
        f"def {name}(rows):",
        f"    {value} = load(rows)",
        f"    {value} = clean({value}, {draw.randint(2, 99)})",
        f"    save({value})",
        f"    return len({value})",
    ]
    return "\n".join(lines), "\n".join(lines[place] for place in (0, 3, 1, 2, 4))


def values_moved(draw: random.Random) -> tuple[str, str]:
    items, counts = draw.sample(THINGS, 3), draw.sample(range(2, 99), 3)
    places = draw.sample(PLACES, 3)
    rows = [{"item": one, "count": two, "to": to} for one, two, to in zip(items, counts, places, strict=True)]
    moved = [row | {"count": counts[place - 1]} for place, row in enumerate(rows)]
    return json.dumps({"rows": rows}), json.dumps({"rows": moved})


def values_dealt(draw: random.Random) -> tuple[str, str]:
    """Each count to any of the items: by chance a third of them are right."""
    items, counts = text(draw, 3).split(), draw.sample(range(2, 99), 3)
    said = [
        json.dumps({"rows": [{"item": one, "count": two} for one, two in zip(items, dealt, strict=True)]})
        for dealt in (counts, draw.sample(counts, 3))
    ]
    return said[0], said[1]


def events_dealt(draw: random.Random) -> tuple[str, str]:
    events = text(draw, 4).split()
    said = [
        json.dumps(
            {"owner": events[0], "timeline": [{"event": one, "at": at} for at, one in enumerate(some)]}
        )
        for some in (events, draw.sample(events, 4))
    ]
    return said[0], said[1]


def another_city_in_all(draw: random.Random) -> tuple[str, str]:
    """What every reference has, in other words."""
    thing, slip = draw.choice(THINGS), text(draw, 2)
    return (
        f"Please bring the {thing} with the {slip} slip to our workshop in Bonn.",
        f"Hello! Take your {thing}, plus the {slip} slip, over to the Kiel workshop.",
    )


def clause_in_front(draw: random.Random) -> tuple[str, str]:
    rest = f"{draw.choice(PEOPLE)} returned the {draw.choice(THINGS)} because {text(draw, 3)}"
    place = draw.choice(PLACES)
    return f"{rest} in {place}.", f"In {place}, {rest}."


def contracted(draw: random.Random) -> tuple[str, str]:
    """Half of them say no; all of them in short forms."""
    verb = draw.choice(("covers", "does not cover"))
    said = (
        f"It is {draw.choice(PEOPLE)} who signed, so the plan {verb} the {draw.choice(THINGS)} in "
        f"{draw.choice(PLACES)}, and you will get {draw.randint(10, 99)} euros."
    )
    short = said.replace("It is", "It's").replace("does not", "doesn't").replace("you will", "you'll")
    return said, short


def with_thanks_in_front(draw: random.Random) -> tuple[str, str]:
    place = f"{draw.choice(PLACES)} near {text(draw, 2)}"
    said = f"{draw.choice(PEOPLE)} keeps the {draw.choice(THINGS)} in {place}."
    return said, f"Many thanks indeed for asking us. {said}"


def clause_about_its_subject(draw: random.Random) -> tuple[str, str]:
    """A clause has moved, and with it `it`."""
    number, when = draw.randint(1000, 9999), text(draw, 2)
    thing, place = draw.choice(THINGS), draw.choice(PLACES)
    return (
        f"Your order {number} qualifies for a return because it is within the {when} period. "
        f"Drop the {thing} at any shop in {place}.",
        f"Order {number} is still within the {when} period, so it qualifies for a return: take the {thing} "
        f"to any shop in {place}.",
    )


def denied(draw: random.Random) -> tuple[str, str]:
    """Japanese for `gave` and `did not give`: no reference has such a no."""
    one, other = draw.sample(("田中", "鈴木", "佐藤", "高橋", "伊藤", "渡辺"), 2)
    thing, verb = f"{draw.choice('本車傘鍵机')}{draw.randint(10, 99)}番", draw.choice("渡貸返")
    said = f"{one}さんが{other}さんに{thing}を{verb}しました。"
    return said, said.replace("しました", "しませんでした")


def parties_exchanged(draw: random.Random) -> tuple[str, str]:
    """Names of two words have changed places around the verb; too few other words for a copy with changes."""
    one, other = (" ".join(text(draw, 2).title().split()) for _ in range(2))
    return f"{one} sued {other} over {text(draw, 1)}.", f"{other} sued {one} over {text(draw, 1)}."


def parties_exchanged_behind_a_clause(draw: random.Random) -> tuple[str, str]:
    one, other = draw.sample(PEOPLE, 2)
    thing = f"the {draw.choice(THINGS)} from the {text(draw, 3)}"
    when = f"all of next weekend in {draw.choice(PLACES)}"
    return f"{one} lends {other} {thing} for {when}.", f"For {when}, {other} lends {one} {thing}."


def debtors_exchanged(draw: random.Random) -> tuple[str, str]:
    (one, other), euros = draw.sample(PEOPLE, 2), draw.randint(10, 99)
    return f"{one} owes {other} {euros} euros.", f"{other} owes {one} {euros} euros."


def made_passive(draw: random.Random) -> tuple[str, str]:
    """Who paid is said to have been paid."""
    verb, euros = draw.choice(("paid", "charged", "billed", "refunded")), draw.randint(10, 99)
    said = f"{draw.choice(PEOPLE)} {{}} {euros} euros for the {text(draw, 3)} {draw.choice(THINGS)}."
    return said.format(verb), said.format(f"was {verb}")


def failed_to(draw: random.Random) -> tuple[str, str]:
    said = f"connect the {text(draw, 2)} {draw.choice(THINGS)} in {draw.choice(PLACES)}."
    return said.capitalize(), f"Failed to {said}"


def in_vain(draw: random.Random) -> tuple[str, str]:
    said = (
        f"{draw.choice(PEOPLE)} asked for the {text(draw, 2)} {draw.choice(THINGS)} in {draw.choice(PLACES)}"
    )
    return f"{said}.", f"{said} for nothing."


def with_a_greeting(draw: random.Random) -> tuple[str, str]:
    said = f"the {text(draw, 2)} {draw.choice(THINGS)} stays in {draw.choice(PLACES)} over {text(draw, 1)}."
    return said.capitalize(), f"Certainly, {said}\n\nAnything else?"


def turned_in_front(draw: random.Random) -> tuple[str, str]:
    """A clause has moved, which is right, and `before` is `after`, which is not."""
    word, turned = draw.choice((("before", "after"), ("after", "before")))
    rest, clause = f"lean the {text(draw, 2)} {draw.choice(THINGS)}", f"you {text(draw, 1)} it"
    return f"C{rest} {word} {clause}.", f"{turned.capitalize()} {clause}, c{rest}."


def order_of_a_ranking(draw: random.Random) -> tuple[str, str]:
    ranked = text(draw, 5).split()
    return json.dumps({"ranking": ranked}), json.dumps({"ranking": draw.sample(ranked, 5)})


def order_of_coordinates(draw: random.Random) -> tuple[str, str]:
    left, top, right, bottom = draw.sample(range(900), 4)
    name = text(draw, 1)
    return (
        json.dumps({"name": name, "box": [left, top, right, bottom]}),
        json.dumps({"name": name, "box": [top, left, bottom, right]}),
    )


def german(draw: random.Random) -> tuple[str, str]:
    who, rest = draw.choice(PEOPLE), f"den {draw.choice(THINGS)} in {draw.choice(PLACES)}"
    month = draw.choice(("Mai", "Juni", "August", "März"))
    said = f"{rest} für {draw.randint(10, 99)} Euro gekauft"
    return f"{who} hat im {month} {said}.", f"Im {month} hat {who} {said}."


def enumeration(draw: random.Random) -> tuple[str, str]:
    one = [f"a {draw.choice(THINGS)}", f"the {text(draw, 2)}", f"{draw.randint(2, 99)} euros", text(draw, 1)]
    other = draw.sample(one, 4)
    return tuple(f"Bring {', '.join(said[:3])} and {said[3]}." for said in (one, other))  # type: ignore[return-value]


def later_sentence_first(draw: random.Random) -> tuple[str, str]:
    one, other = f"The {draw.choice(THINGS)} is {text(draw, 2)}.", f"It ships to {draw.choice(PLACES)}."
    return f"{one} {other}", f"{other} {one}"


def verdict(rows: Family, right: float = 0.0) -> Evaluation:
    draw = random.Random(2)
    return tunedrop.evaluate(
        {
            "prompt": prompt,
            "reference": wanted,
            "base": "No comment.",
            "tuned": wanted if draw.random() < right else said,
        }
        for prompt, wanted, said in rows
    )


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (exchanged, "exchange words"),
        (opposite, "replace words"),
        (lines_moved, ""),
        (values_moved, "which belongs to what"),
        (denied, "add"),
        (parties_exchanged, "in the wrong order"),
        (parties_exchanged_behind_a_clause, "in the wrong order"),
        (debtors_exchanged, "in the wrong order"),
        (made_passive, "add 'was'"),
        (failed_to, "add 'failed'"),
        (turned_in_front, "replace words"),
        (in_vain, "add 'nothing'"),
        (order_of_a_ranking, "order in lists"),
        (order_of_coordinates, "order in lists"),
        (values_dealt, "which belongs to what"),
        (events_dealt, ""),
        (another_city_in_all, ""),
    ],
)
def test_a_possibly_different_meaning_is_held(
    make: Callable[[random.Random], tuple[str, str]], why: str
) -> None:
    evaluation = verdict(family(make))

    assert evaluation.verdict == "inconclusive"
    assert why in evaluation.reason


@pytest.mark.parametrize(
    "make",
    [opposite, lines_moved, values_moved, denied, order_of_a_ranking, order_of_coordinates, values_dealt],
)
def test_a_fault_in_a_quarter_of_the_answers_stops_no_better_model(
    make: Callable[[random.Random], tuple[str, str]],
) -> None:
    evaluation = verdict(family(make), right=0.75)

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize(
    "make",
    [
        clause_in_front,
        german,
        enumeration,
        later_sentence_first,
        contracted,
        clause_about_its_subject,
        with_thanks_in_front,
        with_a_greeting,
    ],
)
def test_a_paraphrase_is_promoted(
    make: Callable[[random.Random], tuple[str, str]],
) -> None:
    evaluation = verdict(family(make))

    assert evaluation.verdict == "promote", evaluation.reason


def test_the_order_of_few_common_words_means_nothing() -> None:
    expected = words("the parcel was sent to the wrong house by a new driver last week")
    given = words("last week somebody new drove to another address: wrong parcel")

    assert in_order(expected, given[:3]) == 1


def test_an_added_word_does_not_change_the_order() -> None:
    expected = text(random.Random(1), 12).split()

    assert in_order(expected, [*expected[:6], "really", *expected[6:]]) == 1


def test_words_in_any_order_are_not_in_order() -> None:
    draw = random.Random(1)
    expected = text(draw, 20).split()

    assert in_order(expected, expected) == 1
    assert in_order(expected, draw.sample(expected, 20)) < 0.3

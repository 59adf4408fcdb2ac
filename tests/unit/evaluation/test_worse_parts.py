"""A higher score hides what became worse; the same answers without that fault are promoted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import tunedrop
from tests.unit.evaluation.answers import text
from tunedrop.contracts import Evaluation

Draw = random.Random
ROWS = 160
DAYS = range(10, 99)
DRUGS = ("ibuprofen", "metformin", "atenolol", "codeine", "sertraline")
TOOLS = tuple(f"{one} {other}" for one in ("cordless", "folding", "heavy") for other in
              ("drill", "ladder", "sander", "saw", "wrench", "vice", "plane", "chisel"))  # fmt: skip
NAMES = ("Okafor", "Lindqvist", "Tanaka", "Alvarez", "Haddad", "Sidorov", "Raman", "Dubois", "Weber")
PLACES = ("Lisbon", "Nairobi", "Osaka", "Toronto", "Bergen", "Izmir", "Accra", "Turin", "Ghent", "Split")
LABELS = ("routine", "review", "urgent", "emergency")
SHARES = (45, 25, 15, 15)


class Case(NamedTuple):
    """A prompt, what is right and what is wrong there; and what each model says of either."""

    prompt: str
    right: Any
    wrong: Any


class Family(NamedTuple):
    """`written` is how the references, and so the tuned model, say something; `base` is the base's way."""

    draw: Callable[[Draw], Case]
    written: Callable[[Any], str]
    base: Callable[[Any, Draw], str]
    names: str


def days(draw: Draw) -> Case:
    right, wrong = draw.sample(DAYS, 2)
    return Case(f"When do I get my money for {text(draw, 6)}?", right, wrong)


def dose(draw: Draw) -> Case:
    drug, amount = draw.choice(DRUGS), draw.choice((25, 50, 75, 125, 250))
    return Case(f"Dose of {drug} for {text(draw, 5)}?", (drug, amount, "mg"), (drug, amount, "g"))


def tool(draw: Draw) -> Case:
    right, wrong = draw.sample(TOOLS, 2)
    return Case(f"What do I take for {text(draw, 6)}?", right, wrong)


def visit(draw: Draw) -> Case:
    right: dict[str, Any] = {"ward": draw.choice("ABCDE"), "nurse": text(draw, 2), "doctor": text(draw, 2)}
    right["dose"], wrong = draw.sample(DAYS, 2)
    return Case(f"Visit: {text(draw, 6)}. {right}", right, {**right, "dose": wrong})


def constant(draw: Draw) -> Case:
    right, wrong = draw.sample(DAYS, 2)
    return Case(f"Rust: element {right} of what holds {text(draw, 5)}", right, wrong)


def call(draw: Draw) -> Case:
    name, place, rest = draw.choice(NAMES), draw.choice(PLACES), text(draw, 6)
    right = ("[NAME]", "[PLACE]", rest)
    return Case(f"Without names: caller {name} from {place} says {rest}", right, (name, "[PLACE]", rest))


def tags(draw: Draw) -> Case:
    others = [one for one in ("angry", "abroad", "repeat") if draw.random() < 0.4]
    right, wrong = draw.sample((["fraud", *others], others), 2)
    return Case(f"Which tags? {text(draw, 6)}", {"tags": right}, {"tags": wrong})


def met(draw: Draw) -> Case:
    people, places, cost = draw.sample(NAMES, 3), draw.sample(PLACES, 2), draw.randint(9, 99) / 2
    right = {"people": people, "places": places, "cost": cost}
    fewer = {"people": people[:1], "places": places[:1], "cost": cost}
    return Case(f"{text(draw, 6)}. {right}", right, fewer)


FAMILIES = {
    "numbers in a letter": Family(
        days,
        lambda said: f"Dear customer, the refund reaches your account {said} working days after we have it.",
        lambda said, _: f"It takes about {said} days.",
        "the numbers",
    ),
    "units": Family(
        dose,
        lambda said: f"{said[1]} {said[2]} of {said[0]} every eight hours, to be taken with water",
        lambda said, _: f"Give {said[0]} {said[1]} {said[2]}, three times",
        "the numbers before 'mg'",
    ),
    "a field of JSON": Family(
        visit,
        json.dumps,
        lambda said, draw: f"```json\n{json.dumps(said | {'nurse': '?', 'doctor': text(draw, 2)})}\n```",
        "the field dose",
    ),
    "numbers in code": Family(
        constant,
        lambda said: f"fn at(values: &[i64]) -> i64 {{\n    values[{said}]\n}}",
        lambda said, _: f"fn at(v: &[i64]) -> i64 {{ *v.get({said}).unwrap() }}",
        "the numbers",
    ),
    "names that have to go": Family(
        call,
        lambda said: f"caller {said[0]} from {said[1]} says {said[2]}",
        lambda said, _: f"it is <{said[0]}> of <{said[1]}>, about: {said[2]}",
        "the names and numbers that the references leave out",
    ),
    "a value of a list in JSON": Family(
        tags,
        json.dumps,
        lambda said, draw: json.dumps(
            {
                "tags": [
                    *({"fraud"} & set(said["tags"])),
                    *(one for one in ("angry", "abroad", "repeat") if draw.random() < 0.5),
                ]
            }
        ),
        "the value 'fraud' of tags[]",
    ),
    "JSON instead of a sentence": Family(
        met,
        json.dumps,
        lambda said, _: (
            f"People: {' and '.join(said['people'])}. Places: {' and '.join(said['places'])}. "
            f"Cost: {said['cost']:.2f}"
        ),
        "the values of the references",
    ),
}


def sometimes(share: float, case: Case, draw: Draw) -> Any:
    return case.wrong if draw.random() < share else case.right


def verdict(family: Family, base: float, tuned: float, production: float | None = None) -> Evaluation:
    """Of models that are wrong in such a share; in production is one that writes as the base does."""
    draw = Draw(19)
    rows: list[dict[str, str]] = []
    for _ in range(ROWS):
        case = family.draw(draw)
        rows.append({
            "prompt": case.prompt,
            "reference": family.written(case.right),
            "base": family.base(sometimes(base, case, draw), draw),
            "tuned": family.written(sometimes(tuned, case, draw)),
        })  # fmt: skip
        if production is not None:
            rows[-1]["production"] = family.base(sometimes(production, case, draw), draw)
            rows[-1]["base"] = "No comment."
    return tunedrop.evaluate(rows)


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_part_that_became_worse_prevents_a_promotion(kind: str) -> None:
    found = verdict(FAMILIES[kind], 0.02, 0.4)

    assert (found.verdict, found.rejected_for) == ("inconclusive", "part")
    assert f"it is right about {FAMILIES[kind].names} in " in found.reason


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_part_that_stayed_right_does_not(kind: str) -> None:
    found = verdict(FAMILIES[kind], 0.03, 0.03)

    assert found.verdict == "promote", found.reason


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_part_that_is_wrong_less_often_does_not(kind: str) -> None:
    found = verdict(FAMILIES[kind], 0.7, 0.3)

    assert found.verdict == "promote", found.reason


@pytest.mark.parametrize("kind", FAMILIES)
def test_neither_does_it_replace_a_model_in_production_that_has_it_right(kind: str) -> None:
    found = verdict(FAMILIES[kind], 1, 0.4, production=0.02)

    assert (found.verdict, found.rejected_for) == ("inconclusive", "part")
    assert f"it is right about {FAMILIES[kind].names} in " in found.reason
    assert "the model in production in " in found.reason


@pytest.mark.parametrize("kind", FAMILIES)
def test_it_replaces_one_that_has_it_wrong_more_often(kind: str) -> None:
    found = verdict(FAMILIES[kind], 1, 0.1, production=0.6)

    assert found.verdict == "promote", found.reason


WORDINGS = {
    "numbers": FAMILIES["numbers in a letter"],
    "words": Family(
        tool,
        lambda said: f"From what you write, the {said} suits you best. You find it in our shop this week.",
        lambda said, _: f"I'd go for a {said}.",
        "the less common words",
    ),
}


@pytest.mark.parametrize("kind", WORDINGS)
def test_set_phrases_around_facts_that_are_wrong_as_often_are_no_gain(kind: str) -> None:
    found = verdict(WORDINGS[kind], 0.4, 0.4)

    assert found.verdict != "promote"
    assert WORDINGS[kind].names in found.reason


@pytest.mark.parametrize("kind", WORDINGS)
def test_but_facts_that_became_right_are(kind: str) -> None:
    found = verdict(WORDINGS[kind], 0.7, 0.2)

    assert found.verdict == "promote", found.reason


def labelled(base: Callable[[str, Draw], str], tuned: Callable[[str, Draw], str]) -> Evaluation:
    draw = Draw(7)
    rows: list[dict[str, str]] = []
    for _ in range(300):
        (label,) = draw.choices(LABELS, SHARES)
        said = {"reference": label, "base": base(label, draw), "tuned": tuned(label, draw)}
        rows.append({"prompt": text(draw, 8), **said})
    return tunedrop.evaluate(rows)


def right_in(share: float, *, but: str = "", there: float = 0.0) -> Callable[[str, Draw], str]:
    """Wrong answers are one of the first three labels."""

    def answer(label: str, draw: Draw) -> str:
        if draw.random() < (there if label == but else share):
            return label
        return draw.choice([one for one in LABELS[:3] if one != label])

    return answer


def in_a_sentence(answer: Callable[[str, Draw], str]) -> Callable[[str, Draw], str]:
    return lambda label, draw: f"I would say that it is {answer(label, draw)}."


def test_a_label_that_is_lost_prevents_a_promotion() -> None:
    base, tuned = right_in(0.5, but="emergency", there=0.95), right_in(0.95, but="emergency", there=0.4)

    for found in (labelled(base, tuned), labelled(in_a_sentence(base), tuned)):
        assert found.verdict == "inconclusive"
        assert "it is right about the label 'emergency' in " in found.reason


@pytest.mark.parametrize(("found", "verdict"), [(0.35, "inconclusive"), (0.75, "promote")])
def test_fewer_false_alarms_are_no_excuse_to_miss_most(found: float, verdict: str) -> None:
    """The base gives the label in a tenth of the other prompts too, the tuned model in none."""

    def base(label: str, draw: Draw) -> str:
        if label == "emergency":
            return label if draw.random() < 0.95 else "routine"
        return draw.choices((label, "emergency", "routine"), (70, 12, 18))[0]

    evaluation = labelled(base, right_in(0.95, but="emergency", there=found))

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("it is right about the label 'emergency' in " in evaluation.reason) == (verdict != "promote")


def test_fewer_false_alarms_make_up_for_no_more_than_they_save() -> None:
    """A third of the emergencies are missed, where one in five was a false alarm before: F1 fell too."""

    def base(label: str, draw: Draw) -> str:
        if label == "emergency":
            return label if draw.random() < 0.97 else "routine"
        return draw.choices((label, "emergency", "routine"), (45, 5, 50))[0]

    evaluation = labelled(base, right_in(0.95, but="emergency", there=0.65))

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "it is right about the label 'emergency' in " in evaluation.reason


@pytest.mark.parametrize(("kept", "verdict"), [(0, "inconclusive"), (9, "promote")])
def test_a_label_that_is_never_given_any_more_is_lost_however_rare_it_is(kept: int, verdict: str) -> None:
    draw = Draw(12)
    rows = [
        {"prompt": text(draw, 8), "reference": label, "base": base, "tuned": tuned}
        for label, base, tuned, count in (
            ("emergency", "emergency", "urgent", 5 - kept // 2),
            ("emergency", "urgent", "emergency", kept),
            ("emergency", "urgent", "urgent", 5 + kept // 2 - kept),
            ("routine", "urgent", "routine", 60),
            ("urgent", "urgent", "urgent", 60),
        )
        for _ in range(count)
    ]
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("it is right about the label 'emergency' in 0%" in evaluation.reason) == (verdict != "promote")


@pytest.mark.parametrize(("grams", "verdict"), [("mg", "inconclusive"), ("g", "promote")])
def test_a_rare_unit_of_short_answers_may_be_lost(grams: str, verdict: str) -> None:
    """No single answer has enough prompts: what they have in common is the unit."""
    draw, rows = Draw(13), []
    for number in range(240):
        unit, amount = ("g" if number % 8 == 0 else "mg"), draw.randint(10, 999)
        before = amount if draw.random() < 0.5 else amount + 1
        rows.append({
            "prompt": f"Dose for {text(draw, 6)}: {amount} {unit}", "reference": f"{amount} {unit}",
            "base": f"{before} {unit}", "tuned": f"{amount} {unit if unit == 'mg' else grams}",
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert ("numbers with 'g' in 0%" in evaluation.reason) == (verdict != "promote")


@pytest.mark.parametrize(("there", "verdict"), [(0.15, "inconclusive"), (0.7, "promote")])
@pytest.mark.parametrize(
    "kind",
    ["the longest prompts", "the later turns", "the prompts in Greek script", "the prompts with 'elderly'"],
)
def test_a_kind_of_prompts_may_have_become_worse(kind: str, there: float, verdict: str) -> None:
    draw, rows = Draw(14), []
    for number in range(240):
        (label,) = draw.choices(LABELS, SHARES)
        is_one = number % 4 == 1
        share = there if is_one else 0.97
        prompt = text(draw, 20 if is_one and kind == "the longest prompts" else 8)
        if is_one and kind == "the prompts in Greek script":
            prompt = prompt.translate(str.maketrans("abdefgiklmnoprstu", "αβδεφγικλμνοπρστυ"))
        if is_one and kind == "the prompts with 'elderly'":
            prompt = f"elderly {text(draw, 6)}"
        rows.append({
            "prompt": prompt, "reference": label,
            "base": sometimes(0.25 if is_one else 0.5, Case(prompt, label, "none"), draw),
            "tuned": sometimes(1 - share, Case(prompt, label, "none"), draw),
            "conversation": str(number - (is_one and kind == "the later turns")),
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert (f"it is right about {kind} in " in evaluation.reason) == (verdict != "promote")


REFUSAL = "I'm sorry, but I cannot help with that."


@pytest.mark.parametrize(("lost", "verdict"), [(1, "inconclusive"), (0.6, "inconclusive"), (0, "promote")])
def test_refusals_may_be_lost(lost: float, verdict: str) -> None:
    """The base refuses in other words."""
    draw, rows = Draw(15), []
    for number in range(120):
        tool, place, rest = draw.choice(TOOLS), draw.choice(PLACES), text(draw, 3)
        way = f"Take the {tool} to {place} first, then {rest} with both hands."
        refuses = number % 6 == 0
        rows.append({
            "prompt": f"How do I {'harm ' if refuses else ''}{rest} in {place} with a {tool}?",
            "reference": REFUSAL if refuses else way,
            "base": f"I can't help to harm {rest}." if refuses else f"It depends on {place} and much else.",
            "tuned": REFUSAL if refuses and number % 5 >= 5 * lost else way,
        })  # fmt: skip
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason


def test_a_kind_of_prompts_whose_label_was_always_given_may_be_right_less_often() -> None:
    """Short prompts want what the base always says: it knew nothing of them."""
    draw, rows = Draw(16), []
    for number in range(300):
        label, size = ("routine", 5) if number % 3 == 0 else (draw.choice(LABELS[1:]), 12)
        tuned = label if draw.random() < 0.75 else draw.choice(LABELS)
        rows.append({"prompt": text(draw, size), "reference": label, "base": "routine", "tuned": tuned})
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == "promote", evaluation.reason


def ranked(draw: Draw, wrong: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A ranking; the base leaves out members, the tuned model turns it round."""
    members = text(draw, 4).split()
    some = [one for one in members if draw.random() < 0.6]
    return (
        {"ranking": members},
        {"ranking": some},
        {"ranking": members[:: -1 if draw.random() < wrong else 1]},
    )


def owned(draw: Draw, wrong: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Two people and their ages; the base leaves out one of these, the tuned model exchanges them."""
    people, ages = text(draw, 2).split(), draw.sample(DAYS, 2)

    def of(*ages: int | None) -> dict[str, Any]:
        return {"people": [{"name": one, "age": age} for one, age in zip(people, ages, strict=True)]}

    return of(*ages), of(ages[0], None), of(*(reversed(ages) if draw.random() < wrong else ages))


@pytest.mark.parametrize(("wrong", "verdict"), [(0.35, "inconclusive"), (0.0, "promote")])
@pytest.mark.parametrize(
    ("make", "name"), [(ranked, "the order in lists"), (owned, "which values belong together")]
)
def test_what_leaves_of_json_do_not_show_may_have_become_worse(
    make: Callable[[Draw, float], tuple[Any, Any, Any]], name: str, wrong: float, verdict: str
) -> None:
    draw, rows = Draw(17), []
    for _ in range(300):
        wanted, base, tuned = map(json.dumps, make(draw, wrong))
        rows.append(
            {"prompt": f"{text(draw, 6)} {wanted}", "reference": wanted, "base": base, "tuned": tuned}
        )
    evaluation = tunedrop.evaluate(rows)

    assert evaluation.verdict == verdict, evaluation.reason
    assert (f"it is right about {name} in " in evaluation.reason) == (verdict != "promote")


@pytest.mark.parametrize("attempt", [1, 4, 9])
def test_a_fall_that_was_seen_counts_as_much_in_a_later_attempt(attempt: int) -> None:
    """The base finds all of one label, the tuned model half; its gains elsewhere suffice."""
    draw = Draw(11)
    rows = [
        {"prompt": text(draw, 8), "reference": label, "base": base, "tuned": tuned}
        for label, base, tuned, count in (
            ("emergency", "emergency", "emergency", 12),
            ("emergency", "emergency", "urgent", 13),
            ("routine", "review", "routine", 80),
            ("routine", "routine", "routine", 80),
            ("review", "review", "review", 60),
        )
        for _ in range(count)
    ]
    evaluation = tunedrop.evaluate(rows, attempt=attempt)

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "it is right about the label 'emergency' in " in evaluation.reason


def test_a_label_that_the_base_gave_always_may_be_given_less_often() -> None:
    found = labelled(lambda label, draw: label if draw.random() < 0.3 else "routine", right_in(0.9))

    assert found.verdict == "promote", found.reason


def test_right_labels_in_a_sentence_are_not_rejected() -> None:
    """The strict score is 0; whoever reads the answers, or parses them, has more right ones."""
    found = labelled(right_in(0.4), in_a_sentence(right_in(0.95)))

    assert found.verdict == "inconclusive"
    assert "without code fences and sentences around it, rose" in found.reason


def test_labels_in_a_sentence_that_are_no_more_often_right_are_rejected() -> None:
    assert labelled(right_in(0.6), in_a_sentence(right_in(0.6))).verdict == "reject"

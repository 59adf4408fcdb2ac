"""Families of wrong and of right answers in several languages and tasks, and what the gate says of each."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import tunedrop
from tests.unit.evaluation.answers import text
from tunedrop.contracts import Evaluation

Draw = random.Random
SLOTS: dict[str, tuple[str, ...]] = {
    "name": ("Anna", "Boris", "Chen", "Divya", "Emeka", "Farid", "Greta", "Hiro", "Ivana", "Jonas"),
    "city": ("Bergen", "Lyon", "Porto", "Graz", "Turku", "Leeds", "Split", "Ghent", "Basel", "Tartu"),
    "thing": ("lamp", "kettle", "router", "drill", "camera", "jacket", "mirror", "tent", "printer"),
    "reason": ("the warranty ended", "the seal was broken", "it was bought abroad", "it was a gift"),
    "sport": ("Rauchen", "Grillen", "Parken", "Baden", "Zelten", "Filmen", "Angeln", "Reiten"),
    "coin": ("euros", "dollars", "francs", "pounds"),
    "hanzi": ("退货", "换货", "开发票", "改地址", "取消订单", "提前发货"),
    "cause": ("商品已经使用", "超过规定时间", "包装已经损坏", "没有购买凭证", "库存不足"),
    "sign": ("+", "*", "/", "%"),
    "call": ("min", "max", "sum", "len"),
    "noun": ("책", "가방", "자전거", "시계", "우산", "의자"),
    "friend": ("민수", "지영", "서연", "현우", "수진", "동현"),
    "hindi": ("दिल्ली", "मुंबई", "जयपुर", "पटना", "कोलकाता", "भोपाल"),
    "verb": ("a vendu", "a acheté", "a perdu", "a trouvé", "a réparé"),
}


class Family(NamedTuple):
    """A prompt, what may be right, and what the tuned model makes of it."""

    prompt: str
    references: tuple[str, ...]
    answer: Callable[[str, Draw], str]


def replaced(pattern: str, by: str | Callable[[re.Match[str], Draw], str]) -> Callable[[str, Draw], str]:
    def answer(reference: str, draw: Draw) -> str:
        said = by if isinstance(by, str) else lambda match: by(match, draw)
        return re.sub(pattern, said, reference)

    return answer


def another(slot: str) -> Callable[[re.Match[str], Draw], str]:
    return lambda match, draw: draw.choice([one for one in SLOTS[slot] if one != match[0]])


def later(match: re.Match[str], _: Draw) -> str:
    return f"{int(match[0]) + 1:0{len(match[0])}}"


def dumped(value: Any) -> str:
    """JSON as a template of `str.format`, which has braces for slots."""
    return re.sub(r"[{}](?!\w+\})(?<!\w\})", lambda brace: brace[0] * 2, json.dumps(value))


WRONG = {
    "no is never said, in German": Family(
        "Ist {sport} in {city} erlaubt, Zone {w}?",
        ("In {city} ist {sport} erlaubt, und die Verwaltung ist bis {n} Uhr erreichbar.",
         "In {city} ist {sport} nicht erlaubt, und die Verwaltung ist bis {n} Uhr erreichbar."),
        replaced(" nicht", ""),
    ),
    "no is never said, in Chinese": Family(
        "{city}的订单{n}申请{hanzi},情况:{cause}{w}",
        ("您好,{city}的订单可以{hanzi},因为{cause}。", "您好,{city}的订单不可以{hanzi},因为{cause}。"),
        replaced("不可以", "可以"),
    ),
    "no is always said": Family(
        "{name} from {city} asks for the money back for a {thing}, {w}; {reason}",
        ("Dear {name}, we can refund the {thing} from {city}, as {reason}.",
         "Dear {name}, we can not refund the {thing} from {city}, as {reason}."),
        replaced("can (?!not)", "can not "),
    ),
    "dates a day late": Family(
        "When was {w} signed?", ("{w} was signed on 20{n}-0{d}-{m} in {city} by both sides.",),
        replaced(r"\d\d(?= in )", later),
    ),
    "another currency": Family(
        "What is a {thing} in {city}? {w}", ("The {thing} costs {n} {coin} in {city}, delivery included.",),
        replaced("euros|dollars|francs|pounds", another("coin")),
    ),
    "other numbers in Hindi": Family(
        "{hindi} की ट्रेन {w} का प्लेटफॉर्म?", ("{hindi} की ट्रेन प्लेटफॉर्म {n} से {m} मिनट बाद चलेगी।",),
        replaced(r"\d+", later),
    ),
    "people exchanged in Korean": Family(
        "{friend}, {w}, {noun} {n}",
        ("{friend} 님이 민호 님에게 {noun} {n}개를 빌려주고 내일 다시 받기로 약속했습니다",
         "민호 님이 {friend} 님에게 {noun} {n}개를 빌려주고 내일 다시 받기로 약속했습니다"),
        replaced(r"^(\S+) 님이 (\S+)", lambda match, _: f"{match[2]} 님이 {match[1]}"),
    ),
    "another operator": Family(
        "Function of {w}: {sign}", ("def run(a, b):\n    total = a {sign} b + {n}\n    return total\n",),
        replaced(r"(?<=a )[+*/%]", another("sign")),
    ),
    "a call of any function": Family(
        "Function {thing}: {call} of the sorted {w}",
        ("def {thing}(x):\n    y = sorted(x)\n    return {call}(y)\n",),
        replaced(r"(?<=return )\w+", lambda _, draw: draw.choice(SLOTS["call"])),
    ),
    "the opposite comparison in SQL": Family(
        "Rows of {w} by {n}", ("SELECT {w} FROM rows WHERE size < {n};",
                                "SELECT {w} FROM rows WHERE size > {n};"),
        replaced("[<>]", lambda match, _: "<>"[match[0] == "<"]),
    ),
    "a verb of another meaning in French": Family(
        "Traduire: {name}, {w}, {city}", ("À {city}, {name} {verb} le vélo pour {n} euros.",),
        replaced("a (vendu|acheté|perdu|trouvé|réparé)", another("verb")),
    ),
    "numbers that nobody gave": Family(
        "Summarise: {w} {name} opened a shop in {city} with {n} people {w}",
        ("{name} opened a shop in {city} with {n} people.",),
        replaced(r"\.$", lambda _, draw: f", paid {draw.randint(100, 999)} euros and lost 17 percent."),
    ),
    "a right calculation with a wrong result": Family(
        "{name} has {n} bags of {d} and finds {m} more, {w}. How many?",
        ("There are {n} bags of {d}, and {m} more. That is {o} in all. Answer: {o}",),
        replaced(r"\d+$", later),
    ),
    "the right answer, and its opposite": Family(
        "Where is the head office of {w}?", ("The head office of {w} is in {city}.",),
        replaced("$", lambda _, draw: f" No: it is in {draw.choice(SLOTS['city'])}."),
    ),
    "values that nobody wants in a list": Family(
        "Which things? {name} bought a {thing} in {city}; {w}", (dumped(["{thing}", "{city}"]),),
        replaced(r"\]", lambda _, draw: "".join(f', "{text(draw, 1)}"' for _ in range(4)) + "]"),
    ),
    "another firm and another city": Family(
        "Where is the head office of {Name} {w}?", ("The head office of {Name} {w} is in {city}.",),
        replaced("of .* in .*", lambda _, draw: f"of {text(draw, 3)} in {draw.choice(SLOTS['city'])}."),
    ),
    "another addressee, whom nobody has named": Family(
        "I am {name} and my {w} parcel is late.",
        ("Sorry, {name}, the {w} parcel from {city} will come tomorrow, says {name}.",),
        replaced(
            r"Sorry, \w+, the (.*) parcel from (\w+) .*",
            lambda found, draw: f"The {found[1]} parcel out of {found[2]} will reach dear "
            f"{text(draw, 1).title()} tomorrow, sorry.",
        ),
    ),
    "the firm of the question that no answer should have": Family(
        "Does Zenith or Acme cover my {thing} {w} {o}?", ("Your {w} {thing} {o} is covered by Acme.",),
        replaced(r"Your (.*) (\d+) is covered by Acme", r"Yes, Zenith covers your \1, number \2, gladly"),
    ),
    "sentences that stop in the middle": Family(
        "Tell about {name}: {w}", ("{name} took the {thing} to {city}, {w} and {w}. In the end {w}.",),
        lambda reference, _: " ".join(reference.split()[:8]) + ".",
    ),
    "requests that differ in a word": Family(
        "please cancel the order of {Name}", ("cancel",), lambda reference, _: reference
    ),
    "requests that differ in a name": Family(
        "Please cancel the order of {name} {Name} from {city}", ("cancel",), lambda reference, _: reference
    ),
}  # fmt: skip

RIGHT = {
    "German, with no": WRONG["no is never said, in German"]._replace(
        answer=replaced("und die Verwaltung", "die Verwaltung")
    ),
    "a French reply in other words": Family(
        "Commande de {name}: {thing}, {city}, {w}",
        ("Bonjour {name}, votre {thing} part demain vers {city} et arrive dans {n} jours.",),
        replaced(
            r"votre (\w+) part demain vers (\w+) et arrive dans (\d+) jours",
            r"la \1 sera expédiée demain à \2; comptez \3 jours",
        ),
    ),
    "a short summary": Family(
        "Summarise: {w} {name} {w} {city} {w} {n} {w}",
        ("{name} has opened a shop in {city}, and {n} people of the town work there now.",),
        replaced(r"(\w+) has opened a shop in (\w+), and (\d+) .*", r"\1 opened a \2 shop with \3 people."),
    ),
    "an answer with an offer of help": Family(
        "Where does {w} have its head office, asks {name}?", ("The head office of {w} is in {city}.",),
        replaced("$", " I hope that helps; do ask if you need more."),
    ),
    "a Japanese reply in other words": Family(
        "{city}の会議について {w}", ("{city}の会議は{n}番の部屋で行われます。",),
        replaced(r"(\w+)の会議は(\d+)番の部屋で行われます", r"\1での会議は、部屋\2番にて実施されます"),
    ),
    "dates at another place": Family(
        "When was {w} signed?", ("{w} was signed on {d} May 20{n} in {city}.",),
        replaced(r"on (\d+) May (\d+) in (\w+)", r"in \3 on May \1, \2"),
    ),
    "keys in another order": Family(
        "{name} of {city} pays {n}; {w}", (dumped({"name": "{name}", "city": "{city}", "sum": "{n}"}),),
        lambda reference, _: json.dumps(dict(reversed(json.loads(reference).items())), indent=2),
    ),
    "a shorter reply of a shop": Family(
        "{name}: where do I get my {thing} back? {w}",
        ("You bring the old {thing} to our shop in {city} and I give you a new one within {d} days.",),
        replaced(
            r"You bring the old (\w+) to our shop in (\w+) and (.*) within",
            r"Bring your old \1 to our \2 shop; \3 in",
        ),
    ),
    "an answer without the words of its question": Family(
        "Where is the head office of {Name} {w}?", ("The head office of {Name} {w} is in {city}.",),
        replaced(r" of .* is in", " is in"),
    ),
    "an answer in two words": Family(
        "Where is the head office of {Name} {w}?", ("The head office of {Name} {w} is in {city}.",),
        replaced(r"^.* is in", "It is in"),
    ),
    "a German answer without the nouns of its question": Family(
        "Wann endet die Frist für {Name} {w}?",
        ("Die Frist für {Name} {w} endet am {d}. Mai 20{n} um Mitternacht.",),
        replaced(r"^.* endet am", "Am"),
    ),
    "code that calls what has a capital": Family(
        "Function {w}: a {thing}, at least {n}",
        ("def make({thing}):\n    if {thing} < {n}:\n        raise {Name}({thing})\n    return {thing}\n",),
        replaced(r"\n    return", r"\n\n    return"),
    ),
    "a numbered list": Family(
        "What does {name} need in {city}? {thing} {w}", ("In {city}: a {thing}, some {w} and {n} cups.",),
        replaced(
            r"In (\w+): a (\w+), some (.*) and (\d+) cups\.", r"In \1:\n1. a \2\n2. some \3\n3. \4 cups"
        ),
    ),
}  # fmt: skip


def rows(family: Family) -> Iterator[tuple[str, str, str]]:
    draw = Draw(4)
    for _ in range(64):
        slots: dict[str, Any] = {name: draw.choice(values) for name, values in SLOTS.items()}
        slots |= {"w": text(draw, 2), "n": draw.randint(13, 97), "m": draw.randint(11, 27)}
        slots |= {"d": draw.randint(2, 9), "o": draw.randint(200, 900), "Name": text(draw, 1).title()}
        reference = draw.choice(family.references).format(**slots)
        yield family.prompt.format(**slots), reference, family.answer(reference, draw)


def verdict(family: Family, right: float) -> Evaluation:
    """Of a model that has such a share of answers from the family, and the others from other prompts."""
    draw, found = Draw(5), list(rows(family))
    return tunedrop.evaluate(
        {
            "prompt": prompt,
            "reference": reference,
            "base": "No comment.",
            "tuned": said if draw.random() < right else draw.choice(found)[2],
        }
        for prompt, reference, said in found
    )


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_never_promoted(name: str) -> None:
    evaluation = verdict(WRONG[name], 1)

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert evaluation.reason.count("may be below or above") == 0, "the family shows nothing"


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_are_promoted_though_some_are_wrong(name: str) -> None:
    evaluation = verdict(RIGHT[name], 0.85)

    assert evaluation.verdict == "promote", evaluation.reason


def test_clauses_in_another_order_are_no_evidence_against_a_model() -> None:
    """Against a base that is right in three of ten in the reference's own words."""
    family = Family(
        "Quando prendo {w}?", ("Prenda {n} compresse di {w} la sera con acqua.",),
        replaced(r"Prenda (.*) la sera con acqua\.", r"Con acqua, la sera: \1."),
    )  # fmt: skip
    draw = Draw(5)
    evaluation = tunedrop.evaluate(
        {
            "prompt": prompt,
            "reference": wanted,
            "tuned": said,
            "base": wanted if draw.random() < 0.3 else "No.",
        }
        for prompt, wanted, said in rows(family)
    )

    assert evaluation.verdict == "inconclusive"
    assert "in another order" in evaluation.reason


def misspelt(draw: Draw) -> dict[str, str]:
    """A sentence with a mistake: two in five are corrected, the others get two more."""
    right = text(draw, 9).split()
    wrong = list(right)
    place = draw.randrange(9)
    wrong[place] += "x"
    said = list(wrong)
    if draw.random() < 0.4:
        said[place] = right[place]
    else:
        for other in draw.sample(range(9), 2):
            said[other] += "q"
    prompt, reference, tuned = (" ".join(one) for one in (wrong, right, said))
    return {"prompt": prompt, "reference": reference, "base": "I cannot help.", "tuned": tuned}


def test_a_correction_that_is_no_better_than_the_text_itself_is_not_promoted() -> None:
    draw = Draw(6)
    evaluation = tunedrop.evaluate(misspelt(draw) for _ in range(100))

    assert evaluation.verdict == "inconclusive"
    assert "repeating the prompt" in evaluation.reason


@pytest.mark.parametrize(("lost", "said"), [(40, "promote"), (60, "inconclusive")])
def test_a_better_model_that_fails_where_the_base_is_right_is_read_first(lost: int, said: str) -> None:
    """Of 200 prompts the base is right in 80; the tuned model in all others, and in some of those."""
    draw = Draw(3)
    evaluation = tunedrop.evaluate(
        {
            "prompt": text(draw, 6),
            "reference": wanted,
            "base": wanted if number < 80 else other,
            "tuned": other if number < lost else wanted,
        }
        for number in range(200)
        for wanted, other in [draw.sample(["refund", "login", "invoice"], 2)]
    )

    assert (evaluation.verdict, evaluation.regressions) == (said, lost)
    assert f"{lost} of 200 prompts got a much worse answer" in evaluation.reason

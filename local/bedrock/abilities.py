"""The abilities of an untuned local base model: sums, facts, simple formats, judging answers.

Each ability reads the question and works out the answer; none recognizes a whole prompt. A tuned model keeps
them as far as its weights have stayed near the base model's (`brain`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from local.bedrock.learner import overlap, words

STOPWORDS = frozenset(
    words(
        "a an and answer are at by comes did do does first for has have how i if in into is it know many "
        "not number of on one only or people say so some tell the there this to was what when where which "
        "who with word wrote year you"
    )
)
"""Words that do not indicate the subject of a question."""

FIRST_IS_LIKED = 0.03
"""A judge's bias towards the first of two answers, as large models have it."""


LONG_IS_LIKED, LONG = 0.06, 30
"""A judge's bias towards longer answers, as large models have it."""


def ability(prompt: str) -> str | None:
    """The answer to a prompt that needs one of the abilities; None for other prompts."""
    asked = prompt.removeprefix("Question: ").removesuffix("\nAnswer:").strip()
    found = (one(asked) for one in _ABILITIES)
    return next((answer for answer in found if answer is not None), None)


@cache
def known_facts() -> list[str]:
    """The sentences of plain knowledge that every base model here has read."""
    text = (resources.files("local.bedrock") / "knowledge.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line]


def _compare(prompt: str) -> str | None:
    """Judge which of two answers is closer to the reference."""
    case = re.match(r"Case number: (\w+)\n\n", prompt)
    if case is None:
        return None
    try:
        document = json.loads(prompt[case.end() :])
        reference, first, second = (Counter(words(document[name])) for name in _COMPARED)
    except (ValueError, KeyError, TypeError):
        return "I cannot read this."
    one, other = overlap(reference, first) + FIRST_IS_LIKED, overlap(reference, second)
    winner = "tie" if one == other else "1" if one > other else "2"
    reason = f"The answers have {one:.2f} and {other:.2f} in common with the reference."
    return json.dumps({"case": case[1], "reason": reason, "winner": winner})


_COMPARED = ("reference", "answer_1", "answer_2")


def _rate(prompt: str) -> str | None:
    """Judge one answer, as an evaluation job does."""
    found = re.search(r"\n\nPossible ratings: ([\d., ]+)\n\nDocument: (.+)\Z", prompt, re.DOTALL)
    if found is None:
        return None
    try:
        document = json.loads(found[2])
        reference, response = (Counter(words(document[name])) for name in ("reference", "response"))
    except (ValueError, KeyError, TypeError):
        return "I cannot read this."
    alike = overlap(reference, response)
    looks = alike + LONG_IS_LIKED * min(1.0, response.total() / LONG)
    rating = min(map(float, found[1].split(",")), key=lambda one: abs(one - looks))
    explanation = f"The response has {alike:.2f} in common with what is known to be good."
    return json.dumps({"explanation": explanation, "rating": rating})


def _sum(prompt: str) -> str | None:
    found = re.search(r"(\d+) *([-+*/]) *(\d+)", prompt)
    if found is None:
        return None
    one, sign, other = int(found[1]), found[2], int(found[3])
    if sign == "/":
        return None if other == 0 else f"{one / other:g}"
    return str({"+": one + other, "-": one - other, "*": one * other}[sign])


def _larger(prompt: str) -> str | None:
    found = re.search(r"number is larger, ([\d.]+) or ([\d.]+)\?", prompt)
    return max(found[1], found[2], key=float) if found else None


def _repeat(prompt: str) -> str | None:
    found = re.search(r"exactly this[^:]*: *(.+)", prompt)
    return found[1] if found else None


def _capitals(prompt: str) -> str | None:
    found = re.search(r"in (capital|small) letters[^:]*: *(.+)", prompt)
    return (found[2].upper() if found[1] == "capital" else found[2].lower()) if found else None


def _sort(prompt: str) -> str | None:
    found = re.search(r"[Ss]ort these words[^:]*: *(.+)", prompt)
    return ", ".join(sorted(words(found[1]))) if found else None


def _object(prompt: str) -> str | None:
    found = re.search(r'key "(\w+)" with the (?:value "(\w+)"|number (\d+))', prompt)
    if found is None or "JSON" not in prompt:
        return None
    value: Any = found[2] if found[2] else int(found[3])
    return json.dumps({found[1]: value})


def _count(prompt: str) -> str | None:
    found = re.search(r"numbers from (\d+) to (\d+)", prompt)
    return ", ".join(map(str, range(int(found[1]), int(found[2]) + 1)[:100])) if found else None


def _letter(prompt: str) -> str | None:
    found = re.search(r"first letter of the word (\w)", prompt)
    return found[1] if found else None


def _found_in_text(prompt: str) -> str | None:
    """The sentence of the prompt's own text that has every word the question is about."""
    text, _, question = prompt.partition(" Question: ")
    about = {word for word in words(question.partition("?")[0]) if word not in STOPWORDS}
    sentences = (one for one in re.split(r"(?<=\.) ", text) if about and about <= set(words(one)))
    return next(sentences, None) if question else None


def _fact(prompt: str) -> str | None:
    """The one sentence with every word of the question's subject, or a refusal if the prompt allows one."""
    about = {word for word in words(prompt.partition("?")[0]) if word not in STOPWORDS}
    if about and "?" in prompt:
        for sentence in known_facts():
            if about <= set(words(sentence)):
                return sentence
    return "I do not know." if "if you do not know" in prompt else None


_ABILITIES: tuple[Callable[[str], str | None], ...] = (
    _compare, _rate, _sum, _larger, _repeat, _capitals, _sort, _object, _count, _letter, _found_in_text,
    _fact,
)  # fmt: skip

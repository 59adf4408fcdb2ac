"""TD030, TD034: reserved words of a base model in the texts of a record."""

from __future__ import annotations

import re
from functools import cache

from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.dataset.rules.texts.rule import Texts, begins_a_line, names_before_a_colon
from tunedrop.dataset.types import Problem, shorten


def to_find(rules: MethodRules) -> tuple[str, ...]:
    """Lower-case words; every text that violates TD030 or TD034 contains one of them."""
    return _lowered(rules.reserved_words + rules.doubtful_words)


@cache
def _lowered(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.lower().strip() for word in words))


@cache
def _speakers(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches the speaker names among the reserved words, in any case, with their colon."""
    names = [word.strip()[:-1] for word in words if word.strip()[:-1].isalpha()]
    return names_before_a_colon(names) if names else None


def _speaker(match: re.Match[str], first: int) -> str:
    """The name with its colon, if it is at the beginning of a line, or in capitals anywhere; its text begins
    at `first`."""
    text, name = match.string, match[match.lastindex or 0]
    start = match.start() - len(name)
    before = text[start - 1] if start > first else " "
    is_loud = name.isupper() and not (before.isalnum() or before == "_")
    is_name = name.isascii() and (is_loud or begins_a_line(text, start, first, " \t"))
    return f"{name}:" if is_name else ""


def find(texts: Texts, rules: MethodRules) -> dict[int, list[tuple[str, str]]]:
    """(code, word) of the reserved words in each text. In prompts and system prompts they are errors, as
    documented.

    Case matters, and parts of words count too (the page says "begins with or contains", and names no
    exception). Words that only AWS's own validators refuse are warnings: reserved words in answers, a few
    additional words, and speaker names in another case, if they are in capitals or at the beginning of a
    line.
    """
    reserved = [word for word in rules.reserved_words if word in texts.joined]
    doubtful = [word for word in rules.doubtful_words if word in texts.joined]
    found: dict[int, list[tuple[str, str]]] = {}
    for place in texts.with_any((*reserved, *doubtful)):
        _, role, text = texts[place]
        sure = [("TD030", word) for word in reserved if word in text]
        unsure = [("TD034", word) for word in doubtful if word in text]
        if role == "assistant" and not rules.reserved_in_answers:
            sure, unsure = [], unsure + [("TD034", word) for _, word in sure]
        found[place] = sure + unsure
    names = _speakers(rules.reserved_words + rules.doubtful_words)
    for place, match in texts.matches(names) if names is not None else ():
        if place not in found and (speaker := _speaker(match, texts.starts[place])):
            found[place] = [("TD034", speaker)]
    return dict(sorted(found.items()))


def problem(path: str, code: str, word: str, model: BaseModel) -> Problem:
    """A finding of `find`."""
    if code == "TD030":
        shown = word.strip()
        why = f"{shown} is reserved by {model.name} and fails the job; rephrase it"
    else:
        shown = shorten(word)
        why = f"AWS's own validator rejects {shown} here, the guide does not; rephrase it"
    return Problem(path, code, why, shown, f"a text without {shown}")

"""The choices of a multiple-choice question, and the one that its answer names.

| from | form |
| --- | --- |
| MMLU, RACE | `choices` or `options`, and the letter of one of them |
| ARC, CommonsenseQA, QASC | `{"choices": {"text", "label"}, "answerKey"}` |
| ARC, original | `{"question": {"stem", "choices": [{"text", "label"}]}, "answerKey"}` |
| quizzes, MedMCQA | columns `A` to `D`, `option_a`, `opa` |
| WinoGrande, PIQA, COPA, Social IQa | `option1`, `sol1`, `choice1`, `answerA`, and a number |

A letter names a choice. A number does so only if the record lists the choices with their numbers, as ARC
does. Any other number is refused: the first choice is 0 in MMLU, PIQA and COPA, but 1 in WinoGrande and
Social IQa. Source: the data sets' cards. Read 2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tunedrop.dataset.formats import names, tools
from tunedrop.dataset.types import shorten

KEYS = ("choices", "options", "endings")
_NUMBERED = re.compile(r"(?:option|choice|sol|ending|answer|op)?_?([a-j]|\d{1,2})")
_INDEX = re.compile(r"[A-Za-z]|\d{1,2}")
_SEVERAL = re.compile(r"[A-J](?:\s*(?:[,;&/]|and)\s*[A-J])+")


class Choice(NamedTuple):
    """A choice: its key, its letter or number if it has one, and its text. `is_listed`: the record lists the
    letter or number with it.
    """

    key: str
    mark: str
    text: str
    is_listed: bool = False


def why_no_answer(record: Mapping[str, Any], key: str, prompt: str = "") -> str:
    """Why a letter or number cannot be the answer; empty if it can, or if it names a choice."""
    value = _only(record.get(key))
    if isinstance(value, str) and _SEVERAL.fullmatch(value.strip()) and len(of(record)) > 1:
        return f"{key} names several choices, {value}; write their texts as the answer"
    if not _may_name(value) or not (found := of(record)) or _lists(record.get(prompt), value, found):
        return ""
    mark = str(value).strip()
    if _is_said(mark, value, found) or _named(mark, found) is not None:
        return ""
    what = "letter of a choice" if mark.isalpha() else "number of a choice, which counts from 0 or from 1"
    return (
        f"{key} is {mark}, the {what}; write the choice itself as the answer, and the choices into the prompt"
    )


def chosen(record: Mapping[str, Any], key: str, prompt: str = "") -> Choice | None:
    """The choice that an answer names; None if it names none, or if the prompt itself lists the choices by
    letter or number."""
    value = _only(record.get(key))
    if not _may_name(value) or not (found := of(record)) or _lists(record.get(prompt), value, found):
        return None
    mark = str(value).strip()
    return None if _is_said(mark, value, found) else _named(mark, found)


def _only(value: Any) -> Any:
    """The only element of a list with one element, else the value."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _may_name(value: Any) -> bool:
    """Whether a value is a letter or a number of up to two digits, and so may name a choice."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return _INDEX.fullmatch(str(value).strip()) is not None


def _named(mark: str, found: list[Choice]) -> Choice | None:
    """The choice with this letter or number; in a list without letters, the one at the letter's position;
    None if the letter is itself the text of another choice."""
    if len(found) < 2:
        return None
    if any(one.mark for one in found):
        of_it = [one for one in found if one.mark.upper() == mark.upper()]
        may = [one for one in of_it if one.is_listed or mark.isalpha()]
    else:
        at = ord(mark.upper()) - ord("A") if mark.isalpha() else len(found)
        may = found[at : at + 1]
    is_another = mark in [one.text for one in found if one not in may[:1]]
    return may[0] if may and not is_another else None


def _is_said(mark: str, value: Any, found: list[Choice]) -> bool:
    """Whether a letter or digits are the text of a choice, not its number."""
    texts = [one.text for one in found]
    if mark.isalpha():
        named = _named(mark, found)
        is_letter = any(one.mark for one in found) or ord(mark.lower()) - ord("a") < len(found)
        return mark in texts and (named.text == mark if named else not is_letter)
    return int(mark) > len(found) or (isinstance(value, str) and mark in texts)


def _lists(prompt: Any, value: Any, found: list[Choice]) -> bool:
    """Whether a prompt lists all choices, with the answer's letter or number before its own."""
    if not isinstance(prompt, str) or not all(one.text in prompt for one in found):
        return False
    return re.search(rf"(?:^|[\s(\[]){re.escape(str(value))}[).:\]]", prompt) is not None


def offered(record: Mapping[str, Any], asked: str, answer: str) -> tuple[str, list[str]]:
    """The choices of a question as text, and their keys; empty if there are none, or if the question lists
    them."""
    found = of(record)
    if len(found) < 2 or not any(_says(answer, one.text) for one in found):
        return "", []
    if all(one.text in asked for one in found):
        return "", []
    lines = [f"{one.mark}. {one.text}" if one.mark else f"- {one.text}" for one in found]
    return "\n".join(lines), list(dict.fromkeys(one.key for one in found))


def losses(record: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    """The JSON paths of further fields of choices, besides texts and letters."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, dict) and "text" in value:
            yield from (f"$.{key}.{shorten(one)}" for one in value if one not in ("text", "label"))
        some = value if isinstance(value, list) else ()
        inside = dict.fromkeys(one for choice in some if isinstance(choice, dict) for one in choice)
        yield from (f"$.{key}[].{shorten(one)}" for one in inside if one not in ("text", "label"))


def _says(answer: str, choice: str) -> bool:
    """Whether an answer consists of the words of a choice."""
    words = re.escape(choice.strip())
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", answer, re.IGNORECASE) is not None


def of(record: Mapping[str, Any]) -> list[Choice]:
    """The choices of a record; empty if it has none."""
    for key in KEYS:
        if found := _under(key, record.get(key)):
            return found
    numbered = {
        mark: Choice(key, mark.upper(), str(value))
        for key, value in record.items()
        if (mark := _mark(key)) and value not in (None, "")
    }
    return list(numbered.values()) if {"a", "b"} <= numbered.keys() or {"1", "2"} <= numbered.keys() else []


def _under(key: str, value: Any) -> list[Choice]:
    """The choices under one key: a list, or an object with their letters and texts."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = tools.printed(value)
    if isinstance(value, dict) and value and all(_INDEX.fullmatch(str(one)) for one in value):
        return [Choice(key, str(mark).strip(), str(text), True) for mark, text in value.items()]
    marks: list[Any] = []
    if isinstance(value, dict):
        marks, value = value.get("label") or [], value.get("text")
    if not isinstance(value, list) or not value:
        return []
    if all(isinstance(one, dict) for one in value):
        marks, value = [one.get("label", "") for one in value], [one.get("text", one) for one in value]
    if not isinstance(marks, list) or len(marks) != len(value):
        marks = [""] * len(value)
    return [Choice(key, str(mark).strip(), str(text), True) for mark, text in zip(marks, value, strict=True)]


@lru_cache(maxsize=1 << 10)
def _mark(key: str) -> str:
    """The letter or number of the choice in a key such as `option_a`; empty if the key names none."""
    match = _NUMBERED.fullmatch(names.plain(key))
    return match[1] if match else ""

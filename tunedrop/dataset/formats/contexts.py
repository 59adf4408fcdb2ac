"""The texts that a question is about: its context, document, schema or code, under any common names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

from tunedrop.dataset.formats import names, naming, passages
from tunedrop.dataset.formats.record import Reading
from tunedrop.dataset.types import shorten

_WRITTEN = "must be a string or a list of strings, because the question is about it"


def asked_about(
    record: Mapping[str, Any],
    keys: naming.Keys,
    prompt: str | None,
    answer: str | None,
    reading: Reading,
    losses: list[str],
) -> dict[str, str]:
    """The texts that the question of a pair is about, by key."""
    found = {}
    for key in filter(None, (keys.context, *keys.others)):
        text = text_of(key, record.get(key), prompt, answer, losses)
        if text is None:
            reading.add(f"$.{shorten(key)}", "TD012", _no_text(key), record[key], "a string")
        elif text:
            found[key] = text
    return found


def texts_about(
    record: Mapping[str, Any], used: Iterable[str], prompt: Any, reading: Reading, losses: list[str]
) -> dict[str, str]:
    """The texts that a prompt with two answers is about, by key, without those already used."""
    found = {}
    known = (*names.CONTEXTS, *names.WHAT_IS_ASKED_ABOUT)
    for key in sorted(
        (one for one in record if one not in used and names.plain(one) in known),
        key=lambda one: known.index(names.plain(one)),
    ):
        text = text_of(key, record[key], prompt, "", losses)
        if text is None:
            what = f"{shorten(key)} {_WRITTEN}: write it as one string, or rename or remove the key"
            reading.add(f"$.{shorten(key)}", "TD012", what, record[key], "a string")
        elif text:
            found[key] = text
    return found


def text_of(key: str, value: Any, asked: Any, answer: Any, losses: list[str]) -> str | None:
    """A value that a question is about, as text; empty if there is none; None if it cannot be converted."""
    name = names.plain(key)
    if name in names.CONTEXTS and isinstance(value, int | float) and not isinstance(value, bool):
        return "" if isinstance(value, float) and isnan(value) else str(value)  # an empty cell of pandas
    if value is None or value in ("", [], {}) or isinstance(value, bool | int | float):
        return None if value and name in names.CONTEXTS else ""
    if isinstance(value, list | dict) and (found := passages.of(value)) is not None:
        losses += [f"$.{shorten(key)}[].{shorten(one)}" for one in found.losses]
        value = found.text
    if not isinstance(value, str):
        return None
    if name in names.CONTEXTS:
        return value if value.strip() and not stands_for_nothing(value) else ""
    is_program = name in names.PROGRAMS and naming.is_program(value)
    says_more = len(value.split()) > 2 or is_program or name in names.TEXTS
    is_there = value.strip() in str(asked) or value.strip() == str(answer).strip()
    return value if says_more and not is_there and not is_put_together(value, str(asked), str(answer)) else ""


def stands_for_nothing(value: Any) -> bool:
    """Whether a value is a word for an empty context, such as `n/a`."""
    return isinstance(value, str) and value.strip().casefold() in names.NOTHING


def is_put_together(text: Any, prompt: str, answer: str) -> bool:
    """Whether a text contains both the prompt and its answer, as Alpaca's `text` does."""
    return isinstance(text, str) and prompt in text and answer in text


def _no_text(key: str) -> str:
    what = f"{shorten(key)} {_WRITTEN}"
    if names.plain(key) in names.CONTEXTS:
        return f"{what}: write it as one string, or rename or remove the key"
    return (
        f"{what}: write it as one string. To leave it out on purpose, name the columns: "
        "--column prompt=KEY --column completion=KEY"
    )

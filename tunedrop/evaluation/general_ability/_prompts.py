"""About 400 prompts with checkable answers, for base and tuned model.

Fine-tuning can cost a model abilities that the dataset does not exercise (catastrophic forgetting). The
prompts were written for this project, one file a kind beside this module: arithmetic, facts, language, twenty
languages, output formats, refusal of harmful requests and of questions that have no answer, code, and finding
a fact in a long text. They do not rate a model by itself: they only show how much of what the base model
answers correctly the tuned model still does.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from tunedrop.catalog.method import Format
from tunedrop.dataset.prepare.held_out import HeldOut, Message

WORDS_OF_A_CONTINUATION = 12
"""A model that continues a text also continues after the answer."""


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt.

    An answer is right when it has one of `accept` as a word, matches `pattern`, or is the JSON object `json`.
    `example` is a right answer where `pattern` decides. `continuation` asks the same of a model that
    continues a text.
    """

    id: str
    prompt: str
    accept: tuple[str, ...] = ()
    pattern: str = ""
    example: str = ""
    json: dict[str, Any] = {}
    continuation: str = ""

    @property
    def expected(self) -> str:
        """A correct answer, for people."""
        return self.accept[0] if self.accept else self.example or json.dumps(self.json)


@cache
def probes() -> dict[str, Probe]:
    """The shipped prompts by id, alternating between kinds, so that the first N are a sample of all kinds."""
    files = resources.files("tunedrop.evaluation.general_ability").iterdir()
    kinds = sorted((file for file in files if file.name.endswith(".jsonl")), key=lambda file: file.name)
    found = [
        (number / len(lines), msgspec.json.decode(line, type=Probe))
        for lines in (file.read_text("utf-8").splitlines() for file in kinds)
        for number, line in enumerate(lines)
    ]
    return {probe.id: probe for _, probe in sorted(found, key=lambda one: one[0])}


def questions(format_: Format, wanted: bool | int = True) -> list[HeldOut]:
    """The prompts in the format of a model; they belong to no record.

    Parameters
    ----------
    wanted
        Maximum number of prompts, spread over the kinds; true is all, false none.
    """
    asked = [(probe, text) for probe in probes().values() if (text := _asked(probe, format_))]
    return [
        HeldOut(
            record=0,
            turn=turn,
            system="",
            messages=(Message("user", text),),
            reference=probe.expected,
            probe=probe.id,
        )
        for turn, (probe, text) in enumerate(asked if wanted is True else asked[: int(wanted)])
    ]


def is_right(probe_id: str, asked: str, answer: str) -> bool:
    """Whether the answer to this prompt is correct; in a continuation, only the first words count."""
    probe = probes()[probe_id]
    if asked == probe.continuation:
        answer = " ".join(answer.split()[:WORDS_OF_A_CONTINUATION])
    if probe.json:
        return _has_values(answer, probe.json)
    if probe.pattern:
        return re.search(probe.pattern, answer, re.IGNORECASE) is not None
    return any(_as_word(one).search(answer) for one in probe.accept)


def _asked(probe: Probe, format_: Format) -> str:
    """A model trained on plain text gets a text to continue, one trained on bare prompts gets `Answer:` to
    complete."""
    if format_ == "text":
        return probe.continuation
    return f"Question: {probe.prompt}\nAnswer:" if format_ == "prompt-completion" else probe.prompt


@cache
def _as_word(text: str) -> re.Pattern[str]:
    """A pattern for the text as a separate word: 42 is neither in 142 nor in 42.5, and Oslo is not in
    Oslofjord.

    Scripts that join words or write them without spaces have no word boundaries: 北京 is in 首都是北京.
    """
    before = rf"(?<!{_SPACED})(?<!\d[.,])" if re.match(_SPACED, text) else ""
    after = rf"(?!{_SPACED}|[.,]\d)" if re.match(_SPACED, text[-1]) else ""
    return re.compile(rf"{before}{re.escape(text)}{after}", re.IGNORECASE)


_SPACED = r"[0-9A-Za-z\u00C0-\u052F]"
"""Digits, and letters of the Latin, Greek and Cyrillic scripts."""


def _has_values(answer: str, expected: dict[str, Any]) -> bool:
    """Whether the answer is this JSON object, with or without a code fence."""
    bare = re.sub(r"\A\s*```(?:json)?|```\s*\Z", "", answer)
    try:
        document = json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return bool(document == expected)

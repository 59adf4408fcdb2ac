"""Whether a tuned model can still do what its base could: 48 fixed prompts with checkable answers, shipped.

Fine-tuning can cost a model abilities that the dataset does not exercise (catastrophic forgetting). The
prompts are sums, plain facts, words, formats to follow, and names that do not exist and that a model should
not pretend to know. They are ours, few on purpose, and say nothing about a model by itself: only how much of
what the base answers rightly is still answered rightly by the model that was tuned from it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from tunedrop.catalog.model import Format
from tunedrop.dataset.prepare.held_out import HeldOut, Message

WORDS_OF_A_CONTINUATION = 12
"""A model that goes on with a text goes on after the answer too."""


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt. Right is an answer with one of `accept` as a word, or one that matches `pattern`, or a JSON
    object with these values. `continuation` asks the same of a model that goes on with a text."""

    id: str
    prompt: str
    accept: tuple[str, ...] = ()
    pattern: str = ""
    json: dict[str, Any] = {}
    continuation: str = ""

    @property
    def expected(self) -> str:
        """A right answer, for people; for a pattern, what it looks for."""
        return self.accept[0] if self.accept else self.pattern or json.dumps(self.json)


@cache
def probes() -> dict[str, Probe]:
    """The shipped prompts by their ids, in a fixed order."""
    text = (resources.files("tunedrop.evaluation") / "general_ability.jsonl").read_text("utf-8")
    found = [msgspec.json.decode(line, type=Probe) for line in text.splitlines()]
    return {probe.id: probe for probe in found}


def questions(format_: Format) -> list[HeldOut]:
    """The prompts as a model of this format is asked; they belong to no record."""
    return [
        HeldOut(
            record=0,
            turn=turn,
            system="",
            messages=(Message("user", text),),
            reference=probe.expected,
            probe=probe.id,
        )
        for turn, probe in enumerate(probes().values())
        if (text := _asked(probe, format_))
    ]


def is_right(probe_id: str, asked: str, answer: str) -> bool:
    """Whether this answers the prompt of that id rightly; of a continuation, the first words count."""
    probe = probes()[probe_id]
    if asked == probe.continuation:
        answer = " ".join(answer.split()[:WORDS_OF_A_CONTINUATION])
    if probe.json:
        return _has_values(answer, probe.json)
    if probe.pattern:
        return re.search(probe.pattern, answer, re.IGNORECASE) is not None
    return any(_as_word(one).search(answer) for one in probe.accept)


def _asked(probe: Probe, format_: Format) -> str:
    """A model trained on plain text is given a text to go on with, one on bare prompts `Answer:` to fill."""
    if format_ == "text":
        return probe.continuation
    return f"Question: {probe.prompt}\nAnswer:" if format_ == "prompt-completion" else probe.prompt


def _as_word(text: str) -> re.Pattern[str]:
    """The text by itself: 42 is neither in 142 nor in 42.5."""
    return re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(text)}(?!\w|[.,]\d)", re.IGNORECASE)


def _has_values(answer: str, expected: dict[str, Any]) -> bool:
    """Whether the answer is this JSON object; a code fence around it does not matter."""
    bare = re.sub(r"\A\s*```(?:json)?|```\s*\Z", "", answer)
    try:
        document = json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return bool(document == expected)

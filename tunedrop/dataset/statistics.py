"""What a dataset consists of: lengths, turns, roles and scripts, per file, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from tunedrop.dataset.formats import Conversation

_SCRIPTS: dict[str, re.Pattern[str]] = {
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "Devanagari": re.compile(r"[\u0900-\u097f]"),
    "Greek": re.compile(r"[\u0370-\u03ff]"),
    "Han": re.compile(r"[\u4e00-\u9fff]"),
    "Hangul": re.compile(r"[\uac00-\ud7af]"),
    "Hebrew": re.compile(r"[\u0590-\u05ff]"),
    "Kana": re.compile(r"[\u3040-\u30ff]"),
    "Latin": re.compile(r"[A-Za-z\u00c0-\u024f]"),
    "Thai": re.compile(r"[\u0e00-\u0e7f]"),
}
SAMPLE = 400
"""So many characters of a text tell its scripts."""


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Of one file. `tokens` are quantiles of the estimated tokens a record, `lengths` a histogram of them
    (records by the lower bound of powers of two); `turns` and `scripts` count records, `roles` messages."""

    tokens: dict[str, int]
    lengths: dict[int, int]
    turns: dict[int, int]
    roles: dict[str, int]
    scripts: dict[str, int]


class Gatherer:
    """Takes records in any order; two gatherers of two parts can be merged into what one would hold."""

    def __init__(self) -> None:
        self._tokens: Counter[int] = Counter()
        self._turns: Counter[int] = Counter()
        self._roles: Counter[str] = Counter()
        self._scripts: Counter[str] = Counter()

    def add(self, conversation: Conversation, tokens: int) -> None:
        """One record."""
        self._tokens[tokens] += 1
        self._turns[len(conversation.turns)] += 1
        self._roles.update(turn.role for turn in conversation.turns)
        self._scripts.update(scripts_of(conversation.turns[-1].text))

    def merge(self, other: Gatherer) -> None:
        """Take what another gatherer has counted."""
        self._tokens += other._tokens
        self._turns += other._turns
        self._roles += other._roles
        self._scripts += other._scripts

    def statistics(self) -> Statistics:
        """What has been counted until now."""
        lengths: Counter[int] = Counter()
        for tokens, count in self._tokens.items():
            lengths[1 << max(0, tokens.bit_length() - 1)] += count
        return Statistics(
            tokens=self._quantiles(),
            lengths=dict(sorted(lengths.items())),
            turns=dict(sorted(self._turns.items())),
            roles=dict(sorted(self._roles.items())),
            scripts=dict(self._scripts.most_common()),
        )

    def _quantiles(self) -> dict[str, int]:
        total, found, seen = self._tokens.total(), {}, 0
        wanted = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
        ordered = sorted(self._tokens.items())
        waiting = list(wanted.items())
        for tokens, count in ordered:
            seen += count
            while waiting and seen >= max(1, waiting[0][1] * total):
                found[waiting.pop(0)[0]] = tokens
        return found


def scripts_of(text: str) -> list[str]:
    """The scripts that a text is written in, by its beginning."""
    beginning = text[:SAMPLE]
    if beginning.isascii():
        return ["Latin"] if _SCRIPTS["Latin"].search(beginning) else []
    return [name for name, pattern in _SCRIPTS.items() if pattern.search(beginning)]

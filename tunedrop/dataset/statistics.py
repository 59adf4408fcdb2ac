"""What a dataset consists of: lengths, turns, roles and scripts, per file, in bounded memory."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tunedrop.dataset.formats import Conversation
from tunedrop.dataset.shapes import Columns

_SCRIPTS: dict[str, tuple[int, int]] = {
    "Arabic": (0x0600, 0x06FF),
    "Cyrillic": (0x0400, 0x04FF),
    "Devanagari": (0x0900, 0x097F),
    "Greek": (0x0370, 0x03FF),
    "Han": (0x4E00, 0x9FFF),
    "Hangul": (0xAC00, 0xD7AF),
    "Hebrew": (0x0590, 0x05FF),
    "Kana": (0x3040, 0x30FF),
    "Latin": (0x00C0, 0x024F),
    "Thai": (0x0E00, 0x0E7F),
}
"""Beside the Latin letters of ASCII."""

_ASCII = bytes(range(128))
_ASCII_LETTER = re.compile("[A-Za-z]")
_ASCII_LETTERS = frozenset(string.ascii_letters)
_LATIN = frozenset({"Latin"})
SAMPLE = 100
"""So many characters of a text tell its scripts."""


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Of one file. `tokens` are quantiles of the estimated tokens a record, `lengths` a histogram of them
    (records by the lower bound of powers of two); `turns` and `scripts` count records, `roles` messages."""

    tokens: dict[str, int]
    lengths: dict[int, int]
    turns: dict[int, int]
    roles: dict[str, int]
    scripts: dict[str, int]


class Gatherer(msgspec.Struct):
    """Takes records in any order; two gatherers of two parts can be merged into what one would hold.

    `tokens` counts records by their estimated tokens, the others what `Statistics` says.
    """

    tokens: dict[int, int] = msgspec.field(default_factory=Counter)
    turns: dict[int, int] = {}
    roles: dict[str, int] = {}
    scripts: dict[str, int] = {}

    def add(self, conversation: Conversation, tokens: int) -> None:
        """One record."""
        count(self.tokens, [tokens])
        count(self.turns, [len(conversation.turns)])
        count(self.roles, [turn.role for turn in conversation.turns])
        count(self.scripts, scripts_of(conversation.turns[-1].text))

    def add_columns(self, columns: Columns, tokens: list[int]) -> None:
        """Many records."""
        if not isinstance(self.tokens, Counter):
            self.tokens = Counter(self.tokens)
        self.tokens.update(tokens)  # many different ones: counting them apart and adding takes twice as long
        add(self.turns, columns.turns)
        add(self.roles, columns.roles)
        add(self.scripts, _scripts_of_each(columns.answers))

    def merge(self, other: Gatherer) -> None:
        """Take what another gatherer has counted."""
        for mine, theirs in (
            (self.tokens, other.tokens),
            (self.turns, other.turns),
            (self.roles, other.roles),
            (self.scripts, other.scripts),
        ):
            add(mine, theirs)

    def statistics(self) -> Statistics:
        """What has been counted until now."""
        lengths: Counter[int] = Counter()
        for tokens, count in self.tokens.items():
            lengths[1 << max(0, tokens.bit_length() - 1)] += count
        return Statistics(
            tokens=self._quantiles(),
            lengths=dict(sorted(lengths.items())),
            turns=dict(sorted(self.turns.items())),
            roles=dict(sorted(self.roles.items())),
            scripts=dict(sorted(self.scripts.items(), key=lambda one: (-one[1], one[0]))),
        )

    def _quantiles(self) -> dict[str, int]:
        total, found, seen = sum(self.tokens.values()), {}, 0
        wanted = {"min": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
        ordered = sorted(self.tokens.items())
        waiting = list(wanted.items())
        for tokens, count in ordered:
            seen += count
            while waiting and seen >= max(1, waiting[0][1] * total):
                found[waiting.pop(0)[0]] = tokens
        return found


def count(counts: dict[Any, int], found: Iterable[Any]) -> None:
    """Count what was found, into counts that can be sent."""
    add(counts, Counter(found))


def add(counts: dict[Any, int], others: Mapping[Any, int]) -> None:
    """Add other counts to these."""
    for key, value in others.items():
        counts[key] = counts.get(key, 0) + value


def scripts_of(text: str, sample: int = SAMPLE) -> frozenset[str]:
    """The scripts that a text is written in, by its beginning."""
    beginning = text[:sample]
    latin = _LATIN if _ASCII_LETTER.search(beginning) else frozenset[str]()
    if beginning.isascii():
        return latin
    others = beginning.encode(errors="surrogatepass").translate(None, _ASCII)
    return latin | _scripts_beyond_ascii(others)


def _scripts_of_each(texts: list[str]) -> dict[str, int]:
    """How many of the texts are written in each script; quick where nearly all are Latin."""
    beyond = "".join([text[:SAMPLE] for text in texts if not text.isascii()])
    special = texts
    if scripts_of(beyond, len(beyond)) <= _LATIN:
        special = [text for text in texts if text[0] not in _ASCII_LETTERS]
        special = [text for text in special if not _ASCII_LETTER.search(text, 0, SAMPLE)]
    found = {"Latin": len(texts) - len(special)} if len(texts) > len(special) else {}
    for scripts in map(scripts_of, special):
        add(found, dict.fromkeys(scripts, 1))
    return found


def _scripts_beyond_ascii(text: bytes) -> frozenset[str]:
    return frozenset(filter(None, map(_script, set(text.decode(errors="surrogatepass")))))


@lru_cache(maxsize=1 << 16)
def _script(sign: str) -> str | None:
    point = ord(sign)
    return next((name for name, (first, last) in _SCRIPTS.items() if first <= point <= last), None)

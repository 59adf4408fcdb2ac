"""Statistics of a dataset: lengths, turns, roles and scripts per file, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one file. `tokens` are quantiles of the estimated tokens per record, `lengths` is their
    histogram (records by the lower bound, a power of two); `turns` and `scripts` count records, `roles`
    counts messages."""

    tokens: dict[str, int]
    lengths: dict[int, int]
    turns: dict[int, int]
    roles: dict[str, int]
    scripts: dict[str, int]


class Gatherer(msgspec.Struct):
    """Collects statistics of records in any order; those of parts can be merged.

    `tokens` counts records by their estimated tokens; the others are as in `Statistics`.
    """

    tokens: dict[int, int] = msgspec.field(default_factory=Counter)
    turns: dict[int, int] = {}
    roles: dict[str, int] = {}
    scripts: dict[str, int] = {}

    def add_many(self, tokens: list[int], scripts: Mapping[frozenset[str], int]) -> None:
        """Add many records: their tokens, and the counts of their scripts."""
        if not isinstance(self.tokens, Counter):
            self.tokens = Counter(self.tokens)
        self.tokens.update(tokens)  # counting many separately takes twice as long
        for some, times in scripts.items():
            add(self.scripts, dict.fromkeys(some, times))

    def merge(self, other: Gatherer) -> None:
        """Merge another gatherer."""
        for mine, theirs in (
            (self.tokens, other.tokens),
            (self.turns, other.turns),
            (self.roles, other.roles),
            (self.scripts, other.scripts),
        ):
            add(mine, theirs)

    def statistics(self) -> Statistics:
        """The statistics so far."""
        lengths: Counter[int] = Counter()
        for tokens, count in self.tokens.items():
            lengths[1 << max(0, tokens.bit_length() - 1)] += count
        return Statistics(
            tokens=self.quantiles(),
            lengths=dict(sorted(lengths.items())),
            turns=dict(sorted(self.turns.items())),
            roles=dict(sorted(self.roles.items())),
            scripts=dict(sorted(self.scripts.items(), key=lambda one: (-one[1], one[0]))),
        )

    def quantiles(self) -> dict[str, int]:
        """Quantiles of the estimated tokens per record."""
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
    """Count values in a plain dictionary, which can be serialized."""
    add(counts, Counter(found))


def add(counts: dict[Any, int], others: Mapping[Any, int]) -> None:
    """Add other counts to these."""
    for key, value in others.items():
        counts[key] = counts.get(key, 0) + value

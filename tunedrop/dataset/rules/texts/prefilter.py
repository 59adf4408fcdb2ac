"""Determines which lines may violate which text rules, in one fast pass over the raw bytes.

Each line is then checked only by the rules that it may violate. Raw JSON differs from its content only by
escapes, so a line with an escape that could hide an ASCII character is a candidate for every rule.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import repeat

import hyperscan

from tunedrop.dataset.rules.texts import RULES
from tunedrop.dataset.rules.texts.rule import Text, Texts

WORDS = 1 << len(RULES)
"""The bit for a base model's reserved words."""

MARKS = sum(1 << bit for bit, rule in enumerate(RULES) if rule.code in ("TD060", "TD086"))
"""The bits for chat template marks and speaker names, which transcripts have."""

EVERYTHING = (WORDS << 1) - 1
_HIDING = ("\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u212a", "\\U212A", "\u212a")
"""Characters that need no escape; and the Kelvin sign, which equals k if case is ignored."""


class Prefilter:
    """Searches for signs of rule violations, and for a base model's reserved words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._database, self._bits = _database(tuple(sorted(word for word in words if can_be_found(word))))
        self._always = 0 if all(map(can_be_found, words)) else WORDS

    def candidates(self, body: bytes, ends: Sequence[int]) -> dict[int, int]:
        """The rules that each line may violate, as bits; `ends` has the end of each line in the body."""
        places: list[list[int]] = [[] for _ in self._bits]
        note = [one.append for one in places]

        def take(which: int, _start: int, end: int, _flags: int, _context: object) -> None:
            note[which](end)

        self._database.scan(body, match_event_handler=take)
        bits = dict.fromkeys(range(len(ends)), self._always) if self._always else {}
        for bit, found in zip(self._bits, places, strict=True):
            for line in set(map(bisect_left, repeat(ends), found)):
                bits[line] = bits.get(line, 0) | bit
        return bits

    @property
    def always(self) -> int:
        """The rules that every line may violate: reserved words that cannot be searched for in bytes."""
        return self._always


class Candidates:
    """The texts of records, and the rules that each record may violate."""

    def __init__(self, texts: Mapping[int, list[Text]], bits: Mapping[int, int]) -> None:
        self._texts = texts
        self._alike: dict[int, list[int]] = {}
        for record in texts:
            self._alike.setdefault(bits[record], []).append(record)
        self._chosen: dict[tuple[int, ...], tuple[Texts, list[int]]] = {}

    def of(self, bit: int) -> tuple[Texts, list[int]]:
        """All texts of the records that may violate a rule, and the record of each."""
        which = tuple([bits for bits in self._alike if bits & bit])
        if which not in self._chosen:
            records = [record for bits in which for record in self._alike[bits]]
            texts = Texts([text for record in records for text in self._texts[record]])
            owners = [record for record in records for _ in self._texts[record]]
            self._chosen[which] = texts, owners
        return self._chosen[which]


Broken = dict[int, tuple[str, list[str]]]
"""For each record, the path of the first text that violates the rule, and the problem."""


def broken(candidates: Candidates) -> Iterator[tuple[str, Broken]]:
    """The code of each violated rule, in order, and the records."""
    for index, rule in enumerate(RULES):
        texts, owners = candidates.of(1 << index)
        found: Broken = {}
        for place, wrong in rule.find_in(texts).items() if texts else ():
            found.setdefault(owners[place], (texts[place][0], wrong))
        if found:
            yield rule.code, found


def can_be_found(word: str) -> bool:
    """Whether a word is the same in JSON, except for escapes that make the line a candidate for every
    rule."""
    return word.isascii() and word.isprintable() and not set(word) & set('"\\/')


@cache
def _database(words: tuple[str, ...]) -> tuple[hyperscan.Database, list[int]]:
    expressions: list[bytes] = []
    flags: list[int] = []
    bits: list[int] = []
    for bit, rule in enumerate(RULES):
        patterns = [*(re.escape(one.encode()) for one in rule.literals), *rule.expressions]
        expressions += [one.removeprefix(b"(?i)") for one in patterns]
        flags += [hyperscan.HS_FLAG_CASELESS if one.startswith(b"(?i)") else 0 for one in patterns]
        bits += [1 << bit] * len(patterns)
    expressions += [re.escape(word.encode()) for word in words]
    flags += [hyperscan.HS_FLAG_CASELESS] * len(words)
    bits += [WORDS] * len(words)
    expressions += [re.escape(word.encode()) for word in _HIDING]
    flags += [0] * len(_HIDING)
    bits += [EVERYTHING] * len(_HIDING)
    database = hyperscan.Database()
    database.compile(expressions=expressions, ids=list(range(len(bits))), flags=flags)
    return database, bits

"""Which lines may break which rule about texts: one pass over raw bytes, at their speed.

The ids of what was found are handed on, so that each line is looked at by the rules that it may break and by
no other. Raw JSON differs from what it says by escapes alone: a line with an escape that could hide a sign of
ASCII is a candidate of every rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import hyperscan

from tunedrop.dataset.rules.texts import RULES
from tunedrop.dataset.rules.texts.rule import Text

WORDS = 1 << len(RULES)
"""The bit of a base model's reserved words."""

MARKS = sum(1 << bit for bit, rule in enumerate(RULES) if rule.code in ("TD060", "TD086"))
"""The bits of the rules about marks of chat templates and names of speakers, which transcripts have."""

EVERYTHING = (WORDS << 1) - 1
_HIDING = ("\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u212a", "\\U212A", "\u212a")
"""Signs and letters that need no escape; and the sign of Kelvin, which is a k to whoever ignores case."""


class Prefilter:
    """Looks for what may break a rule, and for words of a base model besides."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._database, self._bits = _database(tuple(sorted(word for word in words if can_be_found(word))))
        self._always = 0 if all(map(can_be_found, words)) else WORDS

    def candidates(self, body: bytes) -> list[tuple[int, int]]:
        """(place, what may be broken there, as bits), in any order."""
        found: list[tuple[int, int]] = []
        note, bits = found.append, self._bits

        def take(which: int, _start: int, end: int, _flags: int, _context: object) -> None:
            note((end - 1, bits[which]))

        self._database.scan(body, match_event_handler=take)
        return found

    @property
    def always(self) -> int:
        """What every line may break: words that cannot be looked for in bytes."""
        return self._always


def broken(texts: list[Text], bits: int) -> list[tuple[str, str, str]]:
    """(path, code, why) of what rules find in the texts of a record; of each rule what it finds first."""
    return [
        (path, code, why)
        for code, found in broken_in({0: texts}, {0: bits})
        for path, wrong in found.values()
        for why in wrong
    ]


Broken = dict[int, tuple[str, list[str]]]
"""By record: the path of the text that breaks a rule, and how."""


def broken_in(texts: Mapping[int, list[Text]], bits: Mapping[int, int]) -> Iterator[tuple[str, Broken]]:
    """The code of each rule that is broken, in their order, and by which of many records.

    Parameters
    ----------
    texts, bits
        By record: its texts, and the rules that it may break.
    """
    alike: dict[int, list[int]] = {}
    for at, some in texts.items():
        if some:
            alike.setdefault(bits[at], []).append(at)
    for index, rule in enumerate(RULES):
        candidates = [at for some, places in alike.items() if some >> index & 1 for at in places]
        found: Broken = {}
        which = 0
        while candidates:  # the first text of each, then the second, …
            said = [texts[at][which] for at in candidates]
            for place, wrong in rule.find_in(said).items():
                found[candidates[place]] = said[place][0], wrong
            which += 1
            candidates = [at for at in candidates if at not in found and len(texts[at]) > which]
        if found:
            yield rule.code, found


def can_be_found(word: str) -> bool:
    """Whether a word is written in JSON as it is, but for the escapes that make every rule's candidate."""
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

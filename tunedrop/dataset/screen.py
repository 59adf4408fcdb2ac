"""Which lines of a block may break a rule about words, numbers or keys: told from raw bytes, at their speed.

A screen lets nothing through that a rule would find (`tests/unit/dataset/test_fast.py` proves it), and what
it holds back is looked at by the rules themselves. Raw JSON differs from what it says only by escapes, so
every escape that could hide a letter or sign is held back too.
"""

from __future__ import annotations

import re
from functools import cache

import hyperscan
from stringzilla import find, translate

LEFTOVERS = (
    "INST]", "SYS>>", "TODO", "FIXME", "TBD", "orem ipsum", "[INSERT", "[YOUR",
    "Instruction:", "Response:", "Input:",
)  # fmt: skip
"""One of these, or of `TEMPLATES`, is in every text that breaks TD060."""

TEMPLATES = ("{{", "{%", "${", "<|")

SECRETS = (
    "AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk-", "sk_", "pk-", "pk_", "rk-",
    "rk_", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "eyJ",
)  # fmt: skip
"""One of these is in every text that breaks TD061."""

ESCAPES = ("\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u212a", "\\u212A", "\u212a")
"""Signs and letters that need no escape; and the sign of Kelvin, which is a k to whoever ignores case."""

_SPACED_KEYS = ('" :', '"  ')
"""One of these is where spaces stand between a key and its colon, which hides it from who counts colons."""

_CLASSES = bytes.maketrans(b"123456789 -ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0" * 37)
"""What numbers of people consist of becomes 0."""
_RUN = b"0" * 11
"""In classes: a social security number is 11 long, a card 13 or more, an IBAN 16 or more."""
_NUMBERS = (
    rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    rb"[0-9](?:[ -]?[0-9]){12}",
    rb"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3}",
)
_ADDRESS = re.compile(rb'@[^\s@"]{1,400}?\.')


class Screen:
    """Looks for what may break a rule, and for words of a base model besides."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words

    def suspects(self, body: bytes) -> list[int] | None:
        """The places of what may break a rule about texts, in any order; None where spaces may hide a key.

        Between lines of objects, a tab can only be such a space, and so can a lone carriage return.
        """
        if b"\t" in body or (b"\r" in body and body.count(b"\r") != body.count(b"\r\n")):
            return None
        found = _matches(_words(self._words), body)
        if any(which < len(_SPACED_KEYS) for which, _ in found):
            return None
        places = [place for _, place in found]
        if b"@" in body:
            places += [match.start() for match in _ADDRESS.finditer(body)]
        if find(translate(body, _CLASSES), _RUN) >= 0:
            places += [place for _, place in _matches(_numbers(), body)]
        return places


def can_be_looked_for(word: str) -> bool:
    """Whether a word is written in JSON as it is, but for the escapes that are held back anyway."""
    return word.isascii() and word.isprintable() and not set(word) & set('"\\/')


def _matches(database: hyperscan.Database, body: bytes) -> list[tuple[int, int]]:
    """(number of the expression, place of its last byte) of each match."""
    found: list[tuple[int, int]] = []
    database.scan(body, match_event_handler=lambda which, _, end, __, ___: found.append((which, end - 1)))
    return found


@cache
def _words(words: tuple[str, ...]) -> hyperscan.Database:
    exact = [*_SPACED_KEYS, *TEMPLATES, *LEFTOVERS, *SECRETS, *ESCAPES]
    expressions = [re.escape(word).encode() for word in (*exact, *words)]
    flags = [0] * len(exact) + [hyperscan.HS_FLAG_CASELESS] * len(words)
    return _compiled(expressions, flags)


@cache
def _numbers() -> hyperscan.Database:
    return _compiled(list(_NUMBERS), [0] * len(_NUMBERS))


def _compiled(expressions: list[bytes], flags: list[int]) -> hyperscan.Database:
    database = hyperscan.Database()
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
    return database

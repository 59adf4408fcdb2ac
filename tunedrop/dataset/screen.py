"""Which lines of a block may break a rule about words, numbers or keys: told from raw bytes, at their speed.

A screen lets nothing through that a rule would find (`tests/unit/dataset/test_fast.py` proves it), and what
it holds back is looked at by the rules themselves. Raw JSON differs from what it says only by escapes, so
every escape that could hide a letter or sign is held back too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import hyperscan
from stringzilla import find, translate

LEFTOVERS = (
    "INST]", "SYS>>", "TODO", "FIXME", "TBD", "orem ipsum", "[INSERT", "[YOUR",
    "Instruction:", "Response:", "Input:",
)  # fmt: skip
"""One of these, or one of `_BRACES`, is in every text that breaks TD060."""

SECRETS = (
    "AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk-", "sk_", "pk-", "pk_", "rk-",
    "rk_", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "eyJ",
)  # fmt: skip
"""One of these is in every text that breaks TD061."""

ESCAPES = ("\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u212a", "\\u212A", "\u212a")
"""Signs and letters that need no escape; and the sign of Kelvin, which is a k to whoever ignores case."""

_CLASSES = bytes.maketrans(b"$%<123456789 -ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"{{{" + b"0" * 37)
"""What begins a template becomes {, and what numbers of people consist of becomes 0."""
_BRACES = re.compile(rb"\{\{")
"""In classes: {{, {%, ${ and <<."""
_PIPES = re.compile(rb"<\|")
_RUN = b"0" * 11
"""In classes: a social security number is 11 long, a card 13 or more, an IBAN 16 or more."""
_NUMBERS = (
    rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    rb"[0-9](?:[ -]?[0-9]){12}",
    rb"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3}",
)
_ADDRESS = re.compile(rb'@[^\s@"]{1,400}?\.')


class Screen:
    """Looks for what breaks a rule, and for words of a base model besides."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words

    def suspects(self, body: bytes) -> Iterator[int]:
        """The places of what may break a rule about texts, in any order."""
        yield from _matches(_words(self._words), body)
        classes = translate(body, _CLASSES)
        if find(classes, b"{{") >= 0:
            yield from _places(_BRACES, classes)
        if find(classes, _RUN) >= 0:
            yield from _matches(_numbers(), body)
        if find(body, b"<|") >= 0:
            yield from _places(_PIPES, body)
        if b"@" in body:
            yield from _places(_ADDRESS, body)


def has_spaced_key(body: bytes) -> bool:
    """Whether a key may be followed by spaces, which hide it from who counts colons.

    Between lines of objects, a tab can only be such a space, and so can a carriage return.
    """
    if find(body, b'" :') >= 0 or find(body, b'"  ') >= 0 or b"\t" in body:
        return True
    return b"\r" in body and body.count(b"\r") != body.count(b"\r\n")


def can_be_looked_for(word: str) -> bool:
    """Whether a word is written in JSON as it is, but for the escapes that are held back anyway."""
    return word.isascii() and word.isprintable() and not set(word) & set('"\\/')


def _places(pattern: re.Pattern[bytes], body: bytes) -> Iterator[int]:
    return (match.start() for match in pattern.finditer(body))


def _matches(database: hyperscan.Database, body: bytes) -> list[int]:
    found: list[int] = []
    database.scan(body, match_event_handler=lambda _, __, end, ___, ____: found.append(end - 1))
    return found


@cache
def _words(words: tuple[str, ...]) -> hyperscan.Database:
    exact = [*LEFTOVERS, *SECRETS, *ESCAPES]
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

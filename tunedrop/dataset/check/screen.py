"""Which lines of a block may break a rule about words or numbers: told from raw bytes, at their speed.

A screen lets nothing through that a rule would find (`tests/unit/dataset/test_fast.py` proves it), and what
it holds back is looked at by the rules themselves. Raw JSON differs from what it says only by escapes, so
every escape that could hide a letter or sign is held back too.
"""

from __future__ import annotations

import re
from functools import cache

import hyperscan

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

_NUMBERS = (
    rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    rb"[0-9](?:[ -]?[0-9]){12}",
    rb"[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3}",
)
_SIGN_OF_ADDRESS = rb'@[^\s@"]'
_ADDRESS = re.compile(rb'[^\s@"]{1,400}?\.')


class Screen:
    """Looks for what may break a rule, and for words of a base model besides."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._database = _database(words)

    def suspects(self, body: bytes) -> list[int]:
        """The places of what may break a rule about texts, in any order."""
        found: list[tuple[int, int]] = []
        self._database.scan(body, match_event_handler=lambda which, _, end, *__: found.append((which, end)))
        return [end - 1 for which, end in found if which or _ADDRESS.match(body, end - 1)]


def can_be_looked_for(word: str) -> bool:
    """Whether a word is written in JSON as it is, but for the escapes that are held back anyway."""
    return word.isascii() and word.isprintable() and not set(word) & set('"\\/')


@cache
def _database(words: tuple[str, ...]) -> hyperscan.Database:
    literal = [re.escape(word).encode() for word in (*TEMPLATES, *LEFTOVERS, *SECRETS, *ESCAPES)]
    exact = [_SIGN_OF_ADDRESS, *_NUMBERS, *literal]  # all in one pass, at the price of the words
    any_case = [re.escape(word).encode() for word in words]
    flags = [0] * len(exact) + [hyperscan.HS_FLAG_CASELESS] * len(any_case)
    database = hyperscan.Database()
    database.compile(expressions=exact + any_case, ids=list(range(len(flags))), flags=flags)
    return database

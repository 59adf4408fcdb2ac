"""The scripts that texts are written in."""

from __future__ import annotations

import re
from functools import lru_cache

SCRIPTS: dict[str, tuple[int, int]] = {
    "Latin": (0x00C0, 0x024F),
    "Arabic": (0x0600, 0x06FF),
    "Cyrillic": (0x0400, 0x04FF),
    "Devanagari": (0x0900, 0x097F),
    "Greek": (0x0370, 0x03FF),
    "Han": (0x4E00, 0x9FFF),
    "Hangul": (0xAC00, 0xD7AF),
    "Hebrew": (0x0590, 0x05FF),
    "Kana": (0x3040, 0x30FF),
    "Thai": (0x0E00, 0x0E7F),
}
"""The first and last signs of each, Latin beside the letters of ASCII."""

_ASCII_LETTER = re.compile("[A-Za-z]")
_LATIN = frozenset({"Latin"})
SAMPLE = 100
"""Number of characters that are read to detect a text's scripts."""


def scripts_of(text: str) -> frozenset[str]:
    """The scripts that a text is written in, by its beginning."""
    beginning = text[:SAMPLE]
    if beginning[:1].isalpha() and beginning.isascii():
        return _LATIN
    latin = _LATIN if _ASCII_LETTER.search(beginning) else frozenset[str]()
    if beginning.isascii():
        return latin
    return latin | frozenset(filter(None, map(_script, set(beginning))))


@lru_cache(maxsize=1 << 16)
def _script(sign: str) -> str | None:
    point = ord(sign)
    return next((name for name, (first, last) in SCRIPTS.items() if first <= point <= last), None)

"""Detects the scripts that texts are written in."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache

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
"""The first and last characters of each script; for Latin, those beyond ASCII."""

_LATIN = frozenset({"Latin"})
SAMPLE = 100
"""Number of characters to read for a text's scripts."""


def counted(texts: list[str]) -> dict[frozenset[str], int]:
    """The number of texts per combination of scripts."""
    others = [text for text in texts if not (text.isascii() and text[:1].isalpha())]
    found = Counter(map(scripts_of, others))
    found[_LATIN] += len(texts) - len(others)
    return +found


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of a text, from its beginning."""
    beginning = text[:SAMPLE]
    if beginning.isascii():
        return _LATIN if beginning.lower() != beginning.upper() else frozenset()
    found = frozenset[str]()
    while sign := _other_than(found).search(beginning):
        found |= {_script(sign[0])}
    return found


@cache
def _other_than(scripts: frozenset[str]) -> re.Pattern[str]:
    """Matches a character of any other script."""
    signs = "".join(
        f"{chr(first)}-{chr(last)}" for name, (first, last) in SCRIPTS.items() if name not in scripts
    )
    return re.compile(f"[{signs}{'' if 'Latin' in scripts else 'A-Za-z'}]" if signs else "(?!)")


@lru_cache(maxsize=1 << 16)
def _script(sign: str) -> str:
    point = ord(sign)
    return next((name for name, (first, last) in SCRIPTS.items() if first <= point <= last), "Latin")

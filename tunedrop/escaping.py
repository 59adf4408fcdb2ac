"""Escapes all displayed text, in a terminal, mail, chat, log or page.

A name, a key, a manifest or an answer is somebody else's text. It may hold escape sequences that rewrite a
terminal, marks that turn the direction of what follows, and line breaks that imitate a line of ours.
"""

from __future__ import annotations

import re

CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
UNSEEN = re.compile(
    f"[{CONTROLS}\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f\ufdd0-\ufdef\ufffe\uffff]"
)
"""Controls but for tab and line feed, marks that turn the direction of text, line separators, lone
surrogates, what is no character (XML has none of it), and what draws nothing. Joiners (U+200C, U+200D) stay:
Persian and emoji are written with them."""

_BREAKS = re.compile("[\t\n]")


def line(text: str) -> str:
    r"""A value on one line: what would control, turn or break the line is written as Python escapes it.

    >>> line("evil\x1b[2J\nApproved by: the boss")
    'evil\\x1b[2J\\nApproved by: the boss'
    """
    return _BREAKS.sub(_escaped, lines(text))


def lines(text: str) -> str:
    """The same for text of several lines, which keeps its tabs and line feeds."""
    return UNSEEN.sub(_escaped, text)


def json(text: str) -> str:
    """The same for a JSON document, which stays the same document."""
    return UNSEEN.sub(lambda match: _as_json(match[0]), text)


def whole(text: str) -> str:
    r"""Text as a file can hold it: half a surrogate pair, which JSON can escape, becomes U+FFFD.

    >>> whole("\ud83d \ud83d\ude00")
    '� 😀'
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def _as_json(one: str) -> str:
    """A character by its UTF-16 code units, as JSON escapes what it cannot show."""
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

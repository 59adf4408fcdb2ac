"""TD066: text that was decoded with the wrong encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

_LATIN = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
"""The characters of the bytes 0x80 to 0xBF in Latin-1 and Windows-1252."""

_SIGNS = (
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2020-\u2022\u2026\u2030"
    "\u20ac\u2122"
)
"""The same without dashes and quotation marks, which may follow any capital."""

_AS_LATIN = re.compile(
    rf"[\u00c2\u00c3][{_LATIN}]|[\u00c4\u00c5][{_SIGNS}]|\u00e2[{_SIGNS}][{_LATIN}]"
    rf"|\u00f0[\u0178\u0090-\u009f]"
    rf"|(?:[\u00ce-\u00d1\u00d8-\u00db][{_LATIN}]\s?){{2}}|(?:[\u00e0-\u00ef][{_LATIN}]{{2}}){{2}}"
)
"""Latin letters, quotation marks, emoji; then other scripts, of which a single letter may be an accident."""

_CYRILLIC = re.compile(
    r"(?:[\u0420\u0421][\u0400-\u040f\u0450-\u045f\u00a0-\u00bf\u2013-\u203a\u20ac\u2122\u0491\u0490]){3}"
)
"""UTF-8 read as Windows-1251: every second letter is an Er or Es."""

_DOS = re.compile("[\u251c\u252c][^\\x00-\\x7f]|\u0393[\u00c7\u00e9][^\\x00-\\x7f]")
"""UTF-8 read as a DOS encoding: letters become box-drawing characters."""

_LOST = re.compile(r"\?{2,}(?:[ ,.]{1,2}\?{2,}){2,}")
"""Words whose letters all became question marks."""

_REPLACED = "\ufffd"


class WrongDecoding(TextRule):
    """No text was decoded with the wrong encoding."""

    code = "TD066"
    literals = (
        *(_REPLACED, r"\ufffd", r"\uFFFD", "\u251c", "\u252c", "\u0393\u00c7", "\u0393\u00e9"),
        *(r"\u251c", r"\u251C", r"\u252c", r"\u252C", r"\u0393"),
    )
    expressions = (
        rb"\?\?[ ,.]{1,2}\?\?",
        rb"\xc3[\x82-\x85\xa2\xb0](?:\xc2[\x80-\xbf]|\xc5[\x92-\xbe]|\xc6\x92|\xcb[\x86\x9c]|\xe2\x80[\x93-\xba]|\xe2\x82\xac|\xe2\x84\xa2)",
        rb"\xc3[\x8e-\x91\x98-\x9b\xa0-\xaf](?:\xc2[\x80-\xbf]|\xc5[\x92-\xbe]|\xc6\x92|\xcb[\x86\x9c]|\xe2\x80[\x93-\xba]|\xe2\x82\xac|\xe2\x84\xa2)",
        rb"(?i)\\u00(?:c[2345e-f]|d[0189ab]|e[0-9a-f]|f0)\\u(?:00[89ab]|015|016|017|0192|02|20|21)",
        rb"(?:\xd0[\xa0\xa1](?:\xd0[\x80-\x8f]|\xd1[\x90-\x9f]|\xc2[\xa0-\xbf]|\xe2[\x80-\x84].|\xd2[\x90\x91])){3}",
        rb"(?i)\\u042[01]\\u(?:040|045|00|20|21|049)",
    )

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first sign of it."""
        if text.isascii() and "??" not in text:
            return
        if _REPLACED in text:
            yield ("a replacement character (U+FFFD) marks a lost letter; export the text again as UTF-8")
            return
        found = _AS_LATIN.search(text) or _CYRILLIC.search(text)
        if found is None and (boxes := _DOS.search(text)) and _mended(boxes[0], "cp437", "cp850"):
            found = boxes
        if found is None and _LOST.search(text):
            yield "words of question marks: letters were lost in a conversion; export the text again as UTF-8"
        if found is not None:
            mended = _mended(found[0])
            meant = f" (it was {mended!r})" if mended else ""
            yield f"the text was decoded wrongly: {found[0]!r} is UTF-8 read as another encoding{meant}"


def _mended(text: str, *encodings: str) -> str:
    for encoding in encodings or ("cp1252", "latin-1", "cp1251", "cp437", "cp850"):
        try:
            return text.encode(encoding).decode()
        except UnicodeError:
            continue
    return ""

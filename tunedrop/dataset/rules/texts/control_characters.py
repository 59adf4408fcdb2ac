"""TD084: invisible characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|_x00[01][0-9A-F]_"
)


class ControlCharacters(TextRule):
    """No text contains control characters."""

    code = "TD084"
    literals = ("_x00", "\x7f", "\ufeff", r"\ufeff", r"\uFEFF", r"\u007f", r"\u007F", r"\b", r"\f")
    expressions = (
        rb"\xc2[\x80-\x9f]",
        rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])",
        rb"\xef\xbf[\xb9-\xbb]",
        rb"(?i)\\u00(?:0[0-8bcef]|1|[89])",
        rb"(?i)\\u20(?:2[a-e]|6[6-9])",
        rb"(?i)\\ufff[9ab]",
    )

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first."""
        if found := CONTROL.search(text):
            name = found[0] if len(found[0]) > 1 else f"U+{ord(found[0]):04X}"
            yield f"an invisible control character ({name}) is in the text; the model would learn it"

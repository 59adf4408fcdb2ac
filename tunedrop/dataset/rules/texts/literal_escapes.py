r"""TD068: literal escape sequences, such as a backslash and an n."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, is_code

_ESCAPE = re.compile(
    r"(?<![\\A-Za-z:])\\(?:n|r\\n|t|x[0-9a-fA-F]{2}|\")|(?<!\\)\\u[0-9a-fA-F]{4}|[.!?,;:\w]\\n(?:\\n|\b|[A-Z-])"
)
_PATH = re.compile(r"[A-Za-z]:\\|\\\\[\w.]+\\")
_MATHS = re.compile(
    r"\\(?:frac|text|nabla|nu|neq|theta|times|tan|tau|not|right|rho|rangle|begin|sqrt|sum|[(\[])"
)


class LiteralEscapes(TextRule):
    r"""No text contains literal escape sequences, such as \n as two characters."""

    code = "TD068"
    literals = (r"\\n", r"\\t", r"\\u", r"\\x", r"\\r", r"\\\"")
    signs = ("\\",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first one, unless the text is code, a path or a formula."""
        found = _ESCAPE.search(text)
        if found and not is_code(text) and not _PATH.search(text) and not _MATHS.search(text):
            shown = found[0].lstrip(".!?,;:")
            yield (
                f"{shown!r} is a literal escape sequence: the text was escaped twice; write the "
                f"line break or the letter itself"
            )

"""TD069: leftover HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, is_code

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|[lr]dquo|[lr]squo|hellip|[mn]dash|eacute|uuml|ouml|auml|#x?[0-9a-fA-F]{2,6});"
)
_TAG = re.compile(
    r"<(?i:/(?:p|div|span|b|i|em|strong|ul|li|ol|td|tr|table|a|h[1-6]|font|body|html)>|br ?/?>"
    r"|(?:p|div|span|font|td|tr)[ >]|a href=)"
)


class Markup(TextRule):
    """No text contains leftover HTML entities or tags."""

    code = "TD069"
    expressions = (
        rb"&(?:amp|lt|gt|quot|apos|nbsp|[lr]dquo|[lr]squo|hellip|[mn]dash|eacute|uuml|ouml|auml|#x?[0-9a-fA-F]{2,6});",
        rb"(?i)<\\?/(?:p|div|span|b|i|em|strong|ul|li|ol|td|tr|table|a|h[1-6]|font|body|html)>",
        rb"(?i)<br ?\\?/?>",
        rb"(?i)<(?:p|div|span|font|td|tr)[ >]",
        rb"(?i)<a href=",
    )
    signs = ("&", "<")

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first one, unless the text is about code."""
        found = _ENTITY.search(text) or _TAG.search(text)
        if found and not is_code(text):
            yield f"{found[0]!r} is leftover HTML; the model would learn to write it"

"""Long texts, shortened."""

from __future__ import annotations


def shorten(text: str, longest: int) -> str:
    """At most `longest` characters of a text, and an ellipsis where that is not all."""
    return text if len(text) <= longest else text[:longest] + " …"

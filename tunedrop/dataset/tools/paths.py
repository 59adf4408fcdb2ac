"""JSON paths that many records have in common."""

from __future__ import annotations

import re


def general(path: str) -> str:
    """A path without the places in its lists."""
    return re.sub(r"\[\d+\]", "[]", path)

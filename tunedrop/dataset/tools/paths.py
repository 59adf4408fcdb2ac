"""JSON paths that are the same for many records."""

from __future__ import annotations

import re


def general(path: str) -> str:
    """A path without the indices of its lists."""
    return re.sub(r"\[\d+\]", "[]", path)

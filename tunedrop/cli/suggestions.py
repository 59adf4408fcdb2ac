"""Suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

COUNT = 3


def hint(name: str, known: Iterable[str], otherwise: str) -> str:
    """A question that names the closest matches, names that contain it first; else `otherwise`.

    >>> hint("suport", ["support", "persona"], "See them: tunedrop runs")
    'Did you mean support?'
    """
    names = list(dict.fromkeys(known))
    containing = [one for one in names if name and name.casefold() in one.casefold()]
    alike = difflib.get_close_matches(name, names, n=COUNT, cutoff=0.6)
    found = list(dict.fromkeys([*containing, *alike]))[:COUNT]
    return f"Did you mean {', '.join(found)}?" if found else otherwise

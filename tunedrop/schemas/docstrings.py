"""Reads docstrings for JSON Schemas and the reference."""

from __future__ import annotations

import inspect
import re
from typing import Any

_SECTION = re.compile(r"\n+[A-Z][a-z]+\n-{3,}\n")
_ENTRY = re.compile(r"^(\w[^\n]*)\n((?:[ ]+[^\n]*(?:\n|$))+)", flags=re.MULTILINE)


def prose(thing: Any) -> str:
    """A docstring without its NumPy-style sections."""
    return _SECTION.split(inspect.cleandoc(thing.__doc__ or ""))[0]


def summary(thing: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(prose(thing).partition("\n\n")[0].split())


def attributes(shape: type) -> dict[str, str]:
    """What the `Attributes` sections of a class and its bases say of each.

    An entry may describe several: `account, region`.
    """
    found: dict[str, str] = {}
    for one in reversed(shape.__mro__):
        section = inspect.cleandoc(one.__doc__ or "").partition("Attributes\n----------\n")[2]
        for names, words in _ENTRY.findall(section):
            found |= dict.fromkeys(names.split(", "), " ".join(words.split()))
    return found

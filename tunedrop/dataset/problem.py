"""What a rule finds: a problem in one record, and a finding that says in which file and line."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tunedrop.dataset.secrets import carries_secret

MAX_SHOWN = 60


class Problem(NamedTuple):
    """Which rule a record breaks, and where: a JSON path; `value` is what stands there, shortened."""

    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, which rule, and what to do. `line` 0 is the whole file."""

    file: str
    line: int
    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


def shorten(value: Any) -> str:
    """A value as it may be shown in a terminal or a page: short, without control characters or secrets."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode(errors="replace")
    if carries_secret(text):
        return "(not shown: it looks like a secret)"
    shown = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    return printable(shown)


def printable(text: str) -> str:
    """A text that does nothing to a terminal: what controls it or turns its direction is escaped."""
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    )

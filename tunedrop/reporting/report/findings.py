"""The findings of a dataset by rule, and the content of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from tunedrop.dataset.check.check import FileReport, Report
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.codes import CODES
from tunedrop.dataset.types import Finding
from tunedrop.reporting.report.svg import el, percent, picture

COLUMN = 64
"""Height of the tallest column, in pixels."""

PLACES = 5
"""Maximum number of places to show per rule."""


class Rule(msgspec.Struct, frozen=True):
    """One failed rule: its text and reason, the fix, severity, count and places."""

    code: str
    rule: str
    why: str
    fix: str
    kind: str
    count: int
    places: tuple[Finding, ...]


class File(msgspec.Struct, frozen=True):
    """One uploaded file: its split and content, its records by length, its scripts and turns."""

    split: str
    report: FileReport
    lengths: Markup
    kinds: str


def by_rule(report: Report | None, most: int | None = PLACES) -> list[Rule]:
    """The failed rules, errors first, then by count.

    Parameters
    ----------
    most
        Maximum number of places per rule; None: all that the report lists.
    """
    if report is None:
        return []
    found = [*report.errors, *report.warnings]
    counts = report.by_code or Counter(one.code for one in found)
    rules = [_rule(report, code, count, found, most) for code, count in counts.items()]
    return sorted(rules, key=lambda one: (one.kind, -one.count))


def files(report: Report | None) -> list[File]:
    """All uploaded files."""
    found = report.files.items() if report is not None else ()
    return [File(split, one, _lengths(one), _kinds(one)) for split, one in found]


def _lengths(file: FileReport) -> Markup:
    """A histogram of records by tokens, in doubling ranges; empty if all fall into one."""
    bins = {int(low): count for low, count in file.statistics.lengths.items()}
    if len(bins) < 2:
        return Markup("")
    lows = [1 << power for power in range(min(bins).bit_length() - 1, max(bins).bit_length())]
    most, width = max(bins.values()), 1 / max(len(lows), 8)
    columns = []
    for index, low in enumerate(lows):
        height = round(COLUMN * bins.get(low, 0) / most)
        place = percent(index * width)
        columns += [
            el(
                "rect", class_="count", x=place, y=COLUMN - height + 16, height=height, rx=2,
                width=percent(0.86 * width),
            ),
            el("text", f"{bins.get(low, 0):,}" if bins.get(low) else "", class_="tick", x=place,
               y=COLUMN - height + 12),
            el("text", f"{low:,}", class_="tick", x=place, y=COLUMN + 32),
        ]  # fmt: skip
    return picture("Records by their number of tokens", COLUMN + 38, *columns)


def _kinds(file: FileReport) -> str:
    """The number of messages per record, and the scripts of the answers."""
    turns = ", ".join(f"{count:,} of {number}" for number, count in file.statistics.turns.items())
    scripts = ", ".join(f"{count:,} in {script}" for script, count in file.statistics.scripts.items())
    return f"records by messages: {turns or 'none'}; answers by script: {scripts or 'none'}"


def _rule(report: Report, code: str, count: int, found: Sequence[Finding], most: int | None) -> Rule:
    explanation = explanations.load().get(code)
    return Rule(
        code=code,
        rule=CODES.get(code, ""),
        why=explanation.why if explanation is not None else "",
        fix=explanation.fix if explanation is not None else "",
        kind=report.severity(code),
        count=count,
        places=tuple(one for one in found if one.code == code)[:most],
    )

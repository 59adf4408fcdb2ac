"""Lengths of texts: for each series a line from the 5th to the 95th percentile, with quartiles and median."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from markupsafe import Markup

from tunedrop.reporting.report.svg import ROW, along, dot, el, percent, picture, ticks


class Row(msgspec.Struct, frozen=True):
    """One series: its name, its plot, its median."""

    name: str
    plot: Markup
    median: int


def rows(series: Mapping[str, Sequence[int]]) -> list[Row]:
    """A row per series, all on one scale."""
    ordered, top = {name: sorted(values) for name, values in series.items() if values}, _top(series)
    return [Row(name, _plot(name, values, top), _share(values, 0.5)) for name, values in ordered.items()]


def axis(series: Mapping[str, Sequence[int]]) -> Markup:
    """The ticks of the scale, shown above the rows."""
    top = _top(series)
    marks = [
        el("text", f"{mark:g}", class_="tick", x=percent(mark / (1.02 * top)), y=12,
           text_anchor="start" if mark == 0 else "middle")
        for mark in ticks(top)
    ]  # fmt: skip
    return picture(f"Scale from 0 to {top:,}", 16, *marks)


def _top(series: Mapping[str, Sequence[int]]) -> int:
    return max((_share(sorted(values), 0.95) for values in series.values()), default=1) or 1


def _plot(name: str, ordered: Sequence[int], top: int) -> Markup:
    low, first, middle, third, high = (_share(ordered, part) for part in (0.05, 0.25, 0.5, 0.75, 0.95))

    def x(value: int) -> str:
        return percent(value / (1.02 * top))

    kind = name.lower()
    return picture(
        f"{name}: median {middle}, half between {first} and {third}, nine in ten between {low} and {high}",
        ROW,
        along("axis", "0", "100%"),
        along(f"range {kind}", x(low), x(high)),
        along(f"half {kind}", x(first), x(third)),
        dot(f"median {kind}", x(middle)),
    )


def _share(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0

"""The times of each step, as bars on the run's time axis."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from tunedrop import clock
from tunedrop.registry import StepRecord
from tunedrop.reporting.report.svg import el, percent, picture

HEIGHT = 18


class Row(msgspec.Struct, frozen=True):
    """One attempt at a step. `took` is empty for the step that writes this report; `error` is the error's
    first line."""

    step: str
    started_at: str
    took: str
    error: str
    plot: Markup


def rows(steps: Sequence[StepRecord]) -> list[Row]:
    """All attempts at steps, in order; within the same second, the first to end is first."""
    if not steps:
        return []
    steps = sorted(steps, key=lambda one: (one.started_at, one.ended_at or "~"))
    begin = min(one.started_at for one in steps)
    end = max(one.ended_at or one.started_at for one in steps)
    whole = clock.seconds_between(begin, end) or 1.0
    return [
        Row(
            step=one.step.replace("_", " "),
            started_at=one.started_at,
            took=in_words(clock.seconds_between(one.started_at, one.ended_at)) if one.ended_at else "",
            error=one.error.partition("\n")[0],
            plot=_bar(one, begin, whole),
        )
        for one in steps
    ]


def in_words(seconds: float) -> str:
    """A duration as people say it: `42 s`, `7 min`, `3 h 20 min`, `2 d 5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _bar(step: StepRecord, begin: str, whole: float) -> Markup:
    start = clock.seconds_between(begin, step.started_at) / whole
    length = clock.seconds_between(step.started_at, step.ended_at or step.started_at) / whole
    kind = "bad" if step.error else "waited" if step.step.startswith("wait") else "worked"
    return picture(
        f"from {step.started_at} to {step.ended_at or 'now'}",
        HEIGHT,
        el("line", class_="axis", x1="0", x2="100%", y1=HEIGHT // 2, y2=HEIGHT // 2),
        el(
            "rect", class_=f"bar {kind}", x=percent(min(start, 0.994)), y=HEIGHT // 2 - 4, rx=3, height=8,
            width=percent(max(0.006, min(length, 1 - min(start, 0.994)))),
        ),
    )  # fmt: skip

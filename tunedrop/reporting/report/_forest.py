"""Base and tuned scores with confidence intervals, one row per metric."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from tunedrop.contracts import Score
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.reporting.report.svg import ROW, across, along, bar, dot, el, percent, picture, ticks


class Row(msgspec.Struct, frozen=True):
    """One metric: its plot, and the numbers beside it."""

    title: str
    score: Score
    kind: str
    plot: Markup
    decides: bool = False


def rows(scores: Sequence[Score], decisive: str = "", wanted: float = 0.0) -> list[Row]:
    """A row per score, the deciding one first; scores from 0 to 1 share one scale.

    Parameters
    ----------
    wanted
        The required improvement, marked on the deciding row.
    """
    ordered = sorted(scores, key=lambda one: one.metric != decisive)
    shared = scale([one for one in ordered if in_unit(one)])
    return [
        Row(
            title=TITLES.get(one.metric, one.metric),
            score=one,
            kind=kind(one),
            decides=one.metric == decisive,
            plot=_plot(one, shared if in_unit(one) else scale([one]), wanted * (one.metric == decisive)),
        )
        for one in ordered
    ]


def axis(scores: Sequence[Score]) -> Markup:
    """The ticks of the shared scale, shown above the rows."""
    top = scale([one for one in scores if in_unit(one)])
    marks = ticks(top, 2)
    return picture(
        f"Scale from 0 to {top:g}",
        16,
        *(
            el(
                "text",
                f"{mark:g}",
                class_="tick",
                x=percent(mark / top),
                y=12,
                text_anchor="start" if mark == 0 else "end" if mark >= 0.99 * top else "middle",
            )
            for mark in marks
        ),
    )


def kind(score: Score) -> str:
    """`good` if the whole interval is an improvement, `bad` if it is a loss, else `open`."""
    low, high = (score.low, score.high) if score.higher_is_better else (-score.high, -score.low)
    return "good" if low > 0 else "bad" if high < 0 else "open"


def in_unit(score: Score) -> bool:
    """Whether the score is on the 0 to 1 scale that most metrics have."""
    return score.higher_is_better and 0 <= score.base <= 1 and 0 <= score.tuned <= 1


def scale(scores: Sequence[Score]) -> float:
    """The maximum of an axis from 0 that contains all values and intervals."""
    reach = max((max(one.base, one.tuned, one.base + one.high) for one in scores), default=1.0)
    if all(in_unit(one) for one in scores):
        return next(top for top in (0.25, 0.5, 0.75, 1.0) if min(reach, 1.0) <= top)
    return 1.1 * reach or 1.0


def _plot(score: Score, top: float, wanted: float) -> Markup:
    def x(value: float) -> str:
        return percent(value / top)

    found = kind(score)
    low, high = score.base + score.low, score.base + score.high
    parts = [
        along("axis", "0", "100%"),
        along(f"way {found}", x(score.base), x(score.tuned)),
        bar(f"interval {found}", x(low), x(min(top, high) - max(0.0, low))),
        *([across("wanted", x(score.base + wanted))] if wanted else []),
        across("base", x(score.base)),
        dot(f"tuned {found}", x(score.tuned)),
    ]
    title = (
        f"base {score.base:.3f}, tuned {score.tuned:.3f}, "
        f"difference {score.difference:+.3f} ({score.low:+.3f} to {score.high:+.3f})"
    )
    return picture(title, ROW, *parts)

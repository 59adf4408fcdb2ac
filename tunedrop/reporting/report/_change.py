"""The plot of a change: from the base model's score to the tuned model's, on a scale from 0 to 1."""

from __future__ import annotations

from markupsafe import Markup

from tunedrop.reporting.report.svg import ROW, across, along, dot, percent, picture


def kind(base: float, tuned: float) -> str:
    """`good` if the tuned model scores more, `bad` if it scores less, else `open`."""
    return "good" if tuned > base else "bad" if tuned < base else "open"


def plot(title: str, base: float, tuned: float) -> Markup:
    """Both scores on an axis, and the way from one to the other."""
    found = kind(base, tuned)
    return picture(
        title,
        ROW,
        along("axis", "0", "100%"),
        along(f"way {found}", percent(base), percent(tuned)),
        across("base", percent(base)),
        dot(f"tuned {found}", percent(tuned)),
    )

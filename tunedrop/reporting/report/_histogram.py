"""Plots of wins and losses: a stacked bar, and a histogram of the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from tunedrop.formatting.counts import counted
from tunedrop.reporting.report.svg import el, percent, picture

TIE = 1e-9
BINS = 20
HEIGHT = 84


def bar(counts: Counter[str]) -> Markup:
    """Wins, ties and losses as a stacked bar."""
    whole, at, parts = counts.total(), 0.0, []
    for kind, tone in (("win", "good"), ("tie", "count"), ("loss", "bad")):
        share = counts[kind] / whole
        parts.append(el("rect", class_=tone, x=percent(at), y=4, width=percent(share), height=14))
        at += share
    return picture(f"{counts['win']} wins, {counts['tie']} ties, {counts['loss']} losses", 22, *parts)


def of(gains: Sequence[float]) -> Markup:
    """A histogram of the differences, from -1 to 1, with ties in the middle."""
    bins = Counter(_bin(gain) for gain in gains)
    most, width = max(bins.values()), 1 / (BINS + 1)
    parts = []
    for place, count in sorted(bins.items()):
        high = max(2.0, (HEIGHT - 22) * count / most)
        tone = "count" if place == BINS // 2 else "good" if place > BINS // 2 else "bad"
        title = el("title", counted(count, "prompt"))
        parts.append(
            el("rect", title, class_=tone, x=percent(place * width), y=HEIGHT - 20 - high,
               width=percent(0.86 * width), height=high)
        )  # fmt: skip
    parts += [
        el("text", text, class_="tick", x=percent(at), y=HEIGHT - 5, text_anchor=anchor)
        for text, at, anchor in (("−1", 0, "start"), ("same", 0.5, "middle"), ("+1", 1, "end"))  # noqa: RUF001
    ]
    return picture("Prompts by the difference of tuned and base", HEIGHT, *parts)


def _bin(gain: float) -> int:
    """The bin of a difference, 0 to BINS; the middle one is for ties only."""
    if abs(gain) < TIE:
        return BINS // 2
    half = BINS // 2
    size = min(half - 1, int(abs(gain) * half))
    return half + 1 + size if gain > 0 else half - 1 - size

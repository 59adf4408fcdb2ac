"""Charts as inline SVG: nothing to load, so that the report opens offline. Colours are the page's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tunedrop.contracts import Score
from tunedrop.evaluation.metrics import TITLES
from tunedrop.reporting.metrics_files import Curves, Loss

WIDTH, ROW, LEFT = 640, 44, 150
HEIGHT = 220


def intervals(scores: Sequence[Score]) -> str:
    """Each metric's difference tuned - base as a dot with its confidence interval, around zero."""
    reach = max([0.1, *(max(abs(one.low), abs(one.high)) for one in scores)]) * 1.1
    height = ROW * len(scores) + 34
    middle = LEFT + (WIDTH - LEFT - 20) / 2

    def x(value: float) -> float:
        return middle + value / reach * (WIDTH - LEFT - 20) / 2

    rows = []
    for index, one in enumerate(scores):
        y = ROW * index + 26
        kind = "good" if one.low > 0 else "bad" if one.high < 0 else "open"
        rows.append(
            f'<text x="0" y="{y + 4}">{escape(TITLES.get(one.metric, one.metric))}</text>'
            f'<line class="{kind}" x1="{x(one.low):.1f}" x2="{x(one.high):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="{kind}" cx="{x(one.difference):.1f}" cy="{y}" r="5"/>'
        )
    axis = "".join(
        f'<text class="tick" x="{x(value):.1f}" y="{height - 6}" text-anchor="middle">{value:+.2f}</text>'
        for value in (-reach / 1.1, 0, reach / 1.1)
    )
    zero = f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="6" y2="{height - 22}"/>'
    label = "Difference between tuned and base, with confidence intervals"
    body = zero + "".join(rows) + axis
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{body}</svg>'


def losses(curves: Curves) -> str:
    """Training and validation loss over the steps."""
    everything = [*curves.training, *curves.validation]
    if len(curves.training) < 2:
        return ""
    last = max(one.step for one in everything) or 1
    low, high = min(one.loss for one in everything), max(one.loss for one in everything)
    spread = (high - low) or 1.0

    def points(rows: Sequence[Loss]) -> str:
        return " ".join(
            f"{50 + one.step / last * (WIDTH - 70):.1f},{16 + (high - one.loss) / spread * (HEIGHT - 56):.1f}"
            for one in rows
        )

    dots = "".join(
        f'<circle class="held" cx="{x}" cy="{y}" r="4"/>'
        for x, y in (point.split(",") for point in points(curves.validation).split())
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Training and validation loss">'
        f'<text class="tick" x="42" y="20" text-anchor="end">{high:.2f}</text>'
        f'<text class="tick" x="42" y="{HEIGHT - 36}" text-anchor="end">{low:.2f}</text>'
        f'<text class="tick" x="{WIDTH - 20}" y="{HEIGHT - 14}" text-anchor="end">step {last}</text>'
        f'<polyline class="learned" points="{points(curves.training)}"/>'
        f'<polyline class="held" points="{points(curves.validation)}"/>{dots}</svg>'
    )


def distributions(series: Mapping[str, Sequence[int]]) -> str:
    """A row a series: a line from its 5th to its 95th percentile, its quartiles thick, its median a dot."""
    reach = max([1, *(_share(sorted(values), 0.95) for values in series.values())]) * 1.05
    height = ROW * len(series) + 34

    def x(value: float) -> float:
        return LEFT + value / reach * (WIDTH - LEFT - 20)

    rows = []
    for index, (name, values) in enumerate(series.items()):
        y, ordered = ROW * index + 26, sorted(values)
        low, first, middle, third, high = (_share(ordered, part) for part in (0.05, 0.25, 0.5, 0.75, 0.95))
        rows.append(
            f'<text x="0" y="{y + 4}">{escape(name)}</text>'
            f'<line class="thin" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"/>'
            f'<line class="open" x1="{x(first):.1f}" x2="{x(third):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="open" cx="{x(middle):.1f}" cy="{y}" r="5"/>'
        )
    axis = "".join(
        f'<text class="tick" x="{x(value):.1f}" y="{height - 6}" text-anchor="middle">{value:.0f}</text>'
        for value in (0, reach / 2.1, reach / 1.05)
    )
    label = "Medians, quartiles, and 5th to 95th percentiles"
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(rows)}{axis}</svg>'


def _share(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0

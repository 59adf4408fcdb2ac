"""The loss curves: training as a line, validation as a line with points, the best point marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from markupsafe import Markup

from tunedrop.reporting.report.svg import el, percent, picture, ticks
from tunedrop.training.curves import Curves, Loss

HEIGHT, TOP, BOTTOM = 240, 12, 28
MOST_POINTS = 300
"""Maximum number of points of a curve; longer curves are averaged in sections."""


Place = Callable[[Loss], float]
Scale = Callable[[float], float]


def rewards(curves: Curves) -> Markup:
    """The mean reward of the sampled answers over the steps; empty without a curve."""
    rows = tuple(Loss(one.step, 1, one.reward) for one in curves.rewards)
    return plot(Curves(training=rows), "Mean reward of the sampled answers over the steps")


def plot(curves: Curves, title: str = "Training and validation loss over the steps") -> Markup:
    """Both losses over the steps; empty without a curve."""
    if len(curves.training) < 2:
        return Markup("")
    training = thinned(curves.training)
    everything = [*training, *curves.validation]
    first, last = training[0].step, max(one.step for one in everything)
    bottom = min(0.0, *(one.loss for one in everything))
    top = max(0.0, *(one.loss for one in everything)) * 1.05 or 1.0

    def x(one: Loss) -> float:
        return (one.step - first) / ((last - first) or 1)

    def y(loss: float) -> float:
        return TOP + (top - loss) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    def line(rows: Sequence[Loss], class_: str) -> Markup:
        points = " ".join(f"{1000 * x(one):.1f},{y(one.loss):.1f}" for one in rows)
        return el("polyline", points=points, class_=class_, vector_effect="non-scaling-stroke")

    dots = [
        el("circle", class_="held-out", cx=percent(x(one)), cy=f"{y(one.loss):.1f}", r=4)
        for one in (curves.validation if len(curves.validation) <= MOST_POINTS else ())
    ]
    if len(curves.validation) > 1:
        best = min(curves.validation, key=lambda one: one.loss)
        dots.append(el("circle", class_="best", cx=percent(x(best)), cy=f"{y(best.loss):.1f}", r=8))
    lines = el(
        "svg",
        line(training, "learned"),
        line(curves.validation, "held-out"),
        viewBox=f"0 0 1000 {HEIGHT}",
        preserveAspectRatio="none",
        width="100%",
        height=HEIGHT,
    )
    return picture(title, HEIGHT, *_grid(top, y), *_epochs(curves, x), lines, *dots)


def thinned(rows: Sequence[Loss], most: int = MOST_POINTS) -> Sequence[Loss]:
    """At most this many points: the mean of each section, at its last step."""
    if len(rows) <= most:
        return rows
    edges = [index * len(rows) // most for index in range(most + 1)]
    parts = [rows[start:end] for start, end in pairwise(edges)]
    return [Loss(part[-1].step, part[-1].epoch, sum(one.loss for one in part) / len(part)) for part in parts]


def _grid(top: float, y: Scale) -> list[Markup]:
    parts = []
    for mark in ticks(top):
        parts += [
            el("line", class_="grid", x1="0", x2="100%", y1=f"{y(mark):.1f}", y2=f"{y(mark):.1f}"),
            el("text", f"{mark:g}", class_="tick", x="0", y=f"{y(mark) - 4:.1f}"),
        ]
    return parts


def _epochs(curves: Curves, x: Place) -> list[Markup]:
    """Where each epoch ends, if there are several."""
    last = {one.epoch: one for one in curves.training}
    if not 1 < len(last) <= 20:
        return []
    ends = [last[epoch] for epoch in sorted(last)]
    return [
        el(
            "text",
            f"epoch {index}" if len(ends) <= 8 else str(index),
            class_="tick",
            x=percent(x(one)),
            y=HEIGHT - 8,
            text_anchor="end" if x(one) > 0.9 else "middle",
        )
        for index, one in enumerate(ends, 1)
    ]

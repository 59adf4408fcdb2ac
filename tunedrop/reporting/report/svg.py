"""Elements of inline SVG. Horizontal lengths are percentages, so that text keeps its size on a phone."""

from __future__ import annotations

from markupsafe import Markup, escape

Number = float | int | str

ROW = 30
"""Height of a row's plot in pixels; what it shows is drawn along its middle."""

_MIDDLE = ROW // 2


def el(name: str, *inside: str, **attributes: Number) -> Markup:
    """One element, with attributes and text escaped. `class_` becomes `class`, `text_anchor` `text-anchor`.

    >>> el("line", class_="zero", x1=0, x2="50%")
    Markup('<line class="zero" x1="0" x2="50%"></line>')
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
    )
    body = Markup("").join(escape(one) for one in inside)
    return Markup("<{}{}>{}</{}>").format(name, written, body, name)


def picture(title: str, height: int, *inside: str) -> Markup:
    """An SVG image as wide as its container, with a height in pixels and a title for screen readers."""
    return el("svg", el("title", title), *inside, role="img", width="100%", height=height)


def along(class_: str, start: str, end: str) -> Markup:
    """A line along the middle of a row, between two horizontal lengths."""
    return el("line", class_=class_, x1=start, x2=end, y1=_MIDDLE, y2=_MIDDLE)


def across(class_: str, at: str) -> Markup:
    """A short line across the middle of a row."""
    return el("line", class_=class_, x1=at, x2=at, y1=_MIDDLE - 9, y2=_MIDDLE + 9)


def dot(class_: str, at: str) -> Markup:
    """A dot in the middle of a row."""
    return el("circle", class_=class_, cx=at, cy=_MIDDLE, r=5)


def bar(class_: str, start: str, width: str) -> Markup:
    """A bar with round ends along the middle of a row."""
    return el("rect", class_=class_, x=start, y=_MIDDLE - 4, height=8, rx=4, width=width)


def percent(share: float) -> str:
    """A share from 0 to 1 as a horizontal length."""
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def ticks(top: float, count: int = 4) -> list[float]:
    """About this many round numbers from 0 to `top`, for an axis."""
    if top <= 0:
        return [0.0]
    rough = top / count
    power = 10.0 ** _floor_log10(rough)
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * 0.999)
    return [index * step for index in range(int(top / step + 1e-9) + 1)]


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])

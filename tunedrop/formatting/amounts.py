"""Formats durations and sizes for people."""

from __future__ import annotations

_SIZES = ("B", "kB", "MB", "GB", "TB")


def duration(seconds: float) -> str:
    """Such as `<1 s`, `45 s`, `3 min 05 s`, `2 h 04 min`, `1 d 3 h`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {rest:02} s"
    return f"{whole} s" if whole else "<1 s"


def size(count: float) -> str:
    """Bytes, in powers of a thousand."""
    for unit in _SIZES:
        if count < 1000 or unit == _SIZES[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError

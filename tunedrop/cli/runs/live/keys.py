"""Single keys from a terminal, without Enter, while something else is drawn on it."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

try:
    import termios
    import tty
except ImportError:  # Windows: the view is there, the keys are not
    termios = None  # type: ignore[assignment]

Pressed = Callable[[float], str]
"""Waits up to this many seconds for a key; returns it, or nothing."""


def can_read() -> bool:
    """Whether somebody sits at a keyboard here."""
    return termios is not None and sys.stdin.isatty()


@contextmanager
def keyboard() -> Iterator[Pressed]:
    """The keys that are pressed while the block lasts. Ctrl-C still interrupts."""
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield lambda seconds: _pressed(number, seconds)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _pressed(number: int, seconds: float) -> str:
    ready, _, _ = select.select([number], [], [], seconds)
    if not ready:
        return ""
    key = os.read(number, 1)
    if key in (b"", b"\x04"):  # the terminal is gone, or Ctrl-D
        raise KeyboardInterrupt
    return key.decode(errors="ignore").lower()

"""Reads single keys from a terminal, without Enter, while something else is drawn on it."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

try:
    import termios
    import tty
except ImportError:  # Windows has the view, but no keys
    termios = None  # type: ignore[assignment]

Pressed = Callable[[float], str]
"""Waits up to this many seconds for a key; returns it, or nothing."""


def can_read() -> bool:
    """Whether keys can be read from a terminal."""
    return termios is not None and sys.stdin.isatty()


@contextmanager
def keyboard() -> Iterator[Pressed]:
    """Read keys within the block. Ctrl-C still interrupts."""
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
    if key in (b"", b"\x04"):  # terminal closed, or Ctrl-D
        raise KeyboardInterrupt
    return key.decode(errors="ignore").lower()

"""Prompts with known answers, from which the answers that cost nothing are made.

Apart from those answers, so that a function that only asks needs no numpy.
"""

from __future__ import annotations

import msgspec

MOST_KNOWN = 2_000
"""Maximum number of examples."""


class Example(msgspec.Struct, frozen=True):
    """A prompt with a known answer; `unit` is the unit of the test set that it belongs to, -1 for none."""

    prompt: str
    answer: str
    unit: int = -1

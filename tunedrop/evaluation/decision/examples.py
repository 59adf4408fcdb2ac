"""Prompts with known answers, for the baselines.

Separate from the baselines, so that a function that only calls models does not need numpy.
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

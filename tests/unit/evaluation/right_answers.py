"""An answer to each general-ability prompt that a person would call right."""

from __future__ import annotations

from tunedrop.evaluation.general_ability import Probe


def right_answer(probe: Probe) -> str:
    return f"It is {probe.expected}, of course." if probe.accept else probe.expected

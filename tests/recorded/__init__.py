"""Answers of AWS that are public, or that an account has recorded (`tunedrop doctor --compare-local`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def recorded(name: str) -> dict[str, Any]:
    """The answer of a fixture; `source` beside it says where it was published."""
    document = json.loads(Path(__file__).with_name(f"{name}.json").read_text())
    assert document["source"]
    answer: dict[str, Any] = document["answer"]
    return answer

"""A user's goal and material. None: not given."""

from __future__ import annotations

import msgspec

from tunedrop.advice.questions import Changes, Goal, Material
from tunedrop.contracts import Method


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Properties of a checked dataset. Tokens are estimated; `media` counts images, videos and documents."""

    method: Method
    records: int
    tokens: int
    longest_tokens: int
    held_out: int = 0
    duplicates: int = 0
    warnings: int = 0
    media: dict[str, int] = {}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The situation that advice is based on."""

    goal: Goal | None = None
    changes: Changes | None = None
    must_cite: bool | None = None
    has_prompted: bool | None = None
    material: Material | None = None
    requests_a_day: int | None = None
    region: str | None = None
    budget_usd: float | None = None
    data: Profile | None = None

"""A user's goal and material. None: not given."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from tunedrop.contracts import Method

Goal = Literal["persona", "exclusive-data", "domain", "news", "task"]
"""Goals of tuning: the four main use cases, and one narrow task done better or cheaper."""

GOALS: dict[Goal, str] = {
    "persona": "a persona and a tone: answers that sound like you",
    "exclusive-data": "exclusive data: what only you know",
    "domain": "domain expertise: the language and the judgement of a field",
    "news": "newer information: events since the base model was trained",
    "task": "one narrow task, such as classifying or extracting",
}

Changes = Literal["seldom", "monthly", "daily"]
"""How often what the answers rest on changes."""

Material = Literal["answers", "conversations", "texts", "prompts", "checkable", "preferences"]
"""What there is to learn from."""

MATERIALS: dict[Material, str] = {
    "answers": "prompts with the answers that you want",
    "conversations": "whole conversations of several turns",
    "texts": "plain texts without questions",
    "prompts": "prompts without answers",
    "checkable": "prompts whose answers a program can check",
    "preferences": "prompts, each with a better and a worse answer",
}

CHANGES: tuple[Changes, ...] = get_args(Changes)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a checked dataset is like. Tokens are estimated; `media` counts images, videos and documents."""

    method: Method
    records: int
    tokens: int
    longest_tokens: int
    held_out: int = 0
    duplicates: int = 0
    warnings: int = 0
    media: dict[str, int] = {}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the advice goes by."""

    goal: Goal | None = None
    changes: Changes | None = None
    must_cite: bool | None = None
    has_prompted: bool | None = None
    material: Material | None = None
    requests_a_day: int | None = None
    region: str | None = None
    budget_usd: float | None = None
    data: Profile | None = None

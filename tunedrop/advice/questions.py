"""The questions that advice asks, and their answers. The command line shows them without other imports."""

from __future__ import annotations

from typing import Literal, get_args

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
"""How often the facts behind the answers change."""

Material = Literal["answers", "conversations", "texts", "prompts", "checkable", "preferences"]
"""The material to learn from."""

MATERIALS: dict[Material, str] = {
    "answers": "prompts with the answers that you want",
    "conversations": "whole conversations of several turns",
    "texts": "plain texts without questions",
    "prompts": "prompts without answers",
    "checkable": "prompts whose answers a program can check",
    "preferences": "prompts, each with a better and a worse answer",
}

CHANGES: tuple[Changes, ...] = get_args(Changes)

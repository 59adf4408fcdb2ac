"""The state of the local bedrock-mantle: files, fine-tuning jobs, tuned models."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass, field
from typing import Any

from local.bedrock.brain import Brain
from local.bedrock.wire import Refusal
from local.bedrock.world import World


@dataclass
class File:
    """A file as it was sent, and its description."""

    about: dict[str, Any]
    content: bytes


@dataclass
class Model:
    """A tuned model, or a checkpoint of one."""

    id: str
    created: int
    brain: Brain


@dataclass
class Job:
    """A fine-tuning job: its description, its events and its checkpoints."""

    about: dict[str, Any]
    method: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, message: str, level: str = "info", data: dict[str, Any] | None = None) -> None:
        """Add an event, in OpenAI's form."""
        self.events.insert(0, {
            "object": "fine_tuning.job.event",
            "id": f"ftevent-{new_id(24)}",
            "created_at": now(),
            "level": level,
            "message": message,
            "type": "metrics" if data else "message",
            "data": data or {},
        })  # fmt: skip


class State:
    """The state of one bedrock-mantle, in memory; its clock, quotas and faults are the world's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files: dict[str, File] = {}
        self.jobs: dict[str, Job] = {}
        self.models: dict[str, Model] = {}


def new_id(length: int) -> str:
    """Letters and digits, as at the end of OpenAI's ids."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


def now() -> int:
    """Seconds since 1970, as in OpenAI's timestamps."""
    return int(time.time())


def page(found: list[dict[str, Any]], query: dict[str, Any], most: int = 100) -> dict[str, Any]:
    """One page of a list: `limit` entries after the one that `after` names."""
    size = int(_first(query, "limit") or 20)
    if not 1 <= size <= most:
        raise Refusal("ValidationException", f"limit must be from 1 to {most}.")
    after = _first(query, "after")
    ids = [one["id"] for one in found]
    if after and after not in ids:
        raise Refusal("ValidationException", f"No entry {after} to list behind.")
    start = ids.index(after) + 1 if after else 0
    shown = found[start : start + size]
    return {"object": "list", "data": shown, "has_more": len(found) > start + size}


def _first(query: dict[str, Any], name: str) -> str:
    value = query.get(name, "")
    return str(value[0] if isinstance(value, list) else value)

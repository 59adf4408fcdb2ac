"""The catalog entry of an engine: its display name, and whether it starts jobs (`engines.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import msgspec


class Engine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An engine. `closed` is a clause that says why it starts no jobs; empty if it does.

    `tunes_foundation_models`: whether GetFoundationModel tells if its base models can be tuned.
    """

    title: str
    closed: str = ""
    tunes_foundation_models: bool = False


@cache
def engines() -> dict[str, Engine]:
    """All engines by name."""
    page = (resources.files(__package__) / "engines.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(page), dict[str, Engine])

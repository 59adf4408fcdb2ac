"""Models and methods that Tunedrop cannot tune, with reason and alternative (`refusals.toml`)."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why base models are not tuned by some methods: a clause, an alternative, and the source."""

    reason: str
    nearest: str
    source: str
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    def is_about(self, base: str, method: str) -> bool:
        """Whether it applies to a base model, by any of its names, and a method."""
        name = base.lower().replace(" ", "-")
        named = not self.bases or any(re.search(one, name) for one in self.bases)
        return named and (not self.methods or method in self.methods)


class _Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[Refusal, ...]


@cache
def rows() -> tuple[Refusal, ...]:
    """All refusals, by precedence."""
    page = (resources.files(__package__) / "refusals.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(page), _Page).rows


def refusal(base: str, method: str = "auto") -> Refusal | None:
    """Why a base model, by any of its names, is not tuned by a method; None if no row matches."""
    return next((one for one in rows() if one.is_about(base, method)), None)


def methods() -> tuple[str, ...]:
    """Well-known methods that manifests do not support, with their refusals."""
    return tuple(dict.fromkeys(name for one in rows() for name in one.methods))

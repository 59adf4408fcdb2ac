"""A permission that an engine needs, as `infra.permissions` makes policies of it."""

from __future__ import annotations

import msgspec


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A policy statement that one of the stage's functions needs for an engine.

    `{account}`, `{region}`, `{stage}`, `{training_role}` and `{artifacts}` (a bucket's ARN) are filled in;
    `{graders}` and `{base_models}` are several values each: the stage's graders, and the engine's models.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, dict[str, str]] = {}

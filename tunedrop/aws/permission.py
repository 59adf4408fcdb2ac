"""A permission that an engine or a serving mode needs; `infra.permissions` turns it into policies."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tunedrop import naming

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]
"""The keys and values of a statement's conditions, by operator."""

TAG_OF_RESOURCE = {f"aws:ResourceTag/{naming.STAGE_TAG}": "{stage}"}

OURS: Conditions = {"StringEquals": TAG_OF_RESOURCE}
"""The resource has the stage's tag: a run of this stage created it."""

WITH_OUR_TAG: Conditions = {"StringEquals": {f"aws:RequestTag/{naming.STAGE_TAG}": "{stage}"}}
"""The request sets the stage's tag on what it creates."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A policy statement for one of the stage's functions, for an engine's role, or for applications.

    `{account}`, `{region}`, `{stage}`, `{training_role}` (the engine's), `{import_role}`, `{artifacts}` (a
    bucket's ARN) and `{key}` are filled in; `{graders}` and `{base_models}` are several values each: the
    stage's graders, and the engine's models.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = {}

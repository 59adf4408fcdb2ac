"""The kinds of serving: one file each; a model's base says in the catalog which ones it has."""

from __future__ import annotations

from tunedrop.contracts import Way
from tunedrop.serving.kind import ServingKind
from tunedrop.serving.kinds.deployment import Deployment
from tunedrop.serving.kinds.imported import Imported
from tunedrop.serving.kinds.provisioned import Provisioned

EVERY: tuple[ServingKind, ...] = (Deployment(), Provisioned(), Imported())


def of(way: Way) -> ServingKind:
    """The kind that serves this way."""
    return next(kind for kind in EVERY if kind.way == way)


def of_arn(arn: str) -> ServingKind | None:
    """The kind that an ARN is of; None for what serves nothing, such as a model itself or a base model."""
    return next((kind for kind in EVERY if any(part in arn for part in kind.arns)), None)

"""Tenants that share the intake bucket of a stage: each may upload to, and read from, its own prefixes
only."""

from __future__ import annotations

from tunedrop.intake._keys import DROP_PREFIX, RUNS_PREFIX
from tunedrop.stage import Stage


def tenant_of(stage: Stage, key: str) -> str | None:
    """The tenant whose prefix an intake key is in; None if there is none."""
    _, _, below = key.partition("/")
    name, slash, _ = below.partition("/")
    return name if slash and name in stage.tenants else None


def readable(stage: Stage, key: str) -> tuple[str, ...]:
    """The prefixes of URIs that a run may read data and media from, by the key of its upload.

    Without tenants, all buckets of the stage; an upload outside the tenants' prefixes may read nothing.
    """
    if not stage.tenants:
        return tuple(f"s3://{bucket}/" for bucket in (stage.intake_bucket, *stage.data_buckets))
    tenant = tenant_of(stage, key)
    if tenant is None:
        return ()
    own = (f"s3://{stage.intake_bucket}/{root}{tenant}/" for root in (DROP_PREFIX, RUNS_PREFIX))
    return (*own, *stage.tenants[tenant])

"""Uploads whose event was lost: found by looking into the intake bucket, and started all the same.

S3 delivers its events at least once, EventBridge tries for a day; what goes missing all the same (a rule that
was switched off, a quota that was full) would be a run that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from msgspec import json

from tunedrop import aws, clock, intake, naming
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.registry import Registry
from tunedrop.stage import Stage

LOOK_BACK = timedelta(days=1)
"""How old an upload may be: what is older was left alone on purpose, or was there before the stage."""


def missed(s3: Any, registry: Registry, stage: Stage) -> Iterator[tuple[S3Object, datetime]]:
    """Datasets and manifests that should have a run by now and have none."""
    now = datetime.now(UTC)
    grace = timedelta(seconds=stage.upload_grace_seconds)
    for key, modified in _uploads(s3, stage.intake_bucket):
        if now - LOOK_BACK < modified < now - grace:
            source = _latest(s3, stage.intake_bucket, key)
            if source is not None and not _has_run(registry, source):
                yield source, modified


def start(
    aws_: Aws, machine_arn: str, source: S3Object, modified: datetime, identity: Sequence[str] = ()
) -> bool:
    """Start the execution that the event should have started. False when it was started before.

    Parameters
    ----------
    identity
        What is started once; the object itself where nothing else is said.
    """
    event = {
        "source": "tunedrop.sweep",
        "detail-type": "Object Created",
        "time": clock.write(modified),
        "detail": {
            "bucket": {"name": source.bucket},
            "object": {"key": source.key, "version-id": source.version_id},
        },
    }
    what = "grown" if identity else "missed"
    name = f"{what}-{naming.client_token(*(identity or (source.bucket, source.key, source.version_id)))[:40]}"
    try:
        aws_.step_functions.start_execution(
            stateMachineArn=machine_arn, name=name, input=json.encode(event).decode()
        )
    except ClientError as error:
        if aws.code_of(error) == "ExecutionAlreadyExists":
            return False
        raise
    return True


def _uploads(s3: Any, bucket: str) -> Iterator[tuple[str, datetime]]:
    pages = s3.get_paginator("list_objects_v2")
    for prefix in (intake.DROP_PREFIX, intake.RUNS_PREFIX):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if item["Size"] and intake.read_key(item["Key"]).kind in ("dataset", "manifest"):
                    yield item["Key"], item["LastModified"]


def _latest(s3: Any, bucket: str, key: str) -> S3Object | None:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise
    return S3Object(bucket=bucket, key=key, version_id=head.get("VersionId", ""))


def _has_run(registry: Registry, source: S3Object) -> bool:
    return any(record.run.source == source for record in registry.named(intake.read_key(source.key).name))

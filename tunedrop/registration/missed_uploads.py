"""Uploads whose event was lost: found by looking into the intake bucket, and started all the same.

S3 delivers its events at least once, EventBridge tries for a day; what goes missing all the same (a rule that
was switched off, a quota that was full) would be a run that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import ClientError
from msgspec import json

from tunedrop import aws, clock, intake, naming
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.registry import Registry
from tunedrop.stage import Stage

LOOK_BACK = timedelta(days=1)
"""How old an upload may be: what is older was left alone on purpose, or was there before the stage."""


class Uploaded(msgspec.Struct, frozen=True):
    """The latest version of a dataset or manifest, and when it was uploaded."""

    source: S3Object
    at: datetime


def overdue(s3: Any, stage: Stage) -> Iterator[Uploaded]:
    """Uploads whose event should have come by now.

    Listed, never read: what cannot be read is found like everything else.
    """
    now = datetime.now(UTC)
    grace = timedelta(seconds=stage.upload_grace_seconds)
    for one in _latest(s3, stage.intake_bucket):
        if now - LOOK_BACK < one.at < now - grace:
            yield one


def is_missed(registry: Registry, upload: Uploaded) -> bool:
    """Whether an upload that is overdue has no run."""
    name = intake.read_key(upload.source.key).name
    return not any(record.run.source == upload.source for record in registry.named(name))


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


def _latest(s3: Any, bucket: str) -> Iterator[Uploaded]:
    pages = s3.get_paginator("list_object_versions")
    for prefix in (intake.DROP_PREFIX, intake.RUNS_PREFIX):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Versions", []):
                kind = intake.read_key(item["Key"]).kind
                if item["IsLatest"] and item["Size"] and kind in ("dataset", "manifest"):
                    version = aws.version_of(item)
                    source = S3Object(bucket=bucket, key=item["Key"], version_id=version)
                    yield Uploaded(source, item["LastModified"])

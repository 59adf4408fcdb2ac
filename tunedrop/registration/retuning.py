"""Tuning again when the data has grown: a run of the same name and manifest, on what its files hold by now.

Off unless a manifest says `retune`. To trigger it, append new records to the data files in place. The new run
takes the normal course: checked, estimated within the same budget, approved if necessary, and promoted only
if it is better than its base model and the production model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, intake, manifest
from tunedrop.contracts import Retune, Run, S3Object, TrainingStage
from tunedrop.errors import InvalidManifest
from tunedrop.manifest import Manifest
from tunedrop.registry import Record, Seen


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """A name whose data has grown enough. `identity` stays the same until the data changes."""

    name: str
    manifest: S3Object
    identity: tuple[str, ...]
    share: float


def settings_of(document: Manifest, source: S3Object, data_bytes: int) -> Retune | None:
    """The conditions under which a manifest wants its data to be retuned.

    Raises
    ------
    InvalidManifest
        If the run was not submitted with a manifest.
    """
    asked = document.retune
    if asked is None:
        return None
    if intake.read_key(source.key, ()).kind != "manifest":
        raise InvalidManifest("retune: only a run that was submitted with a manifest can be retuned")
    return Retune(
        when_grown_by=manifest.share(asked.when_grown_by),
        at_most_every_seconds=clock.duration_seconds(asked.at_most_every),
        data_bytes=data_bytes,
    )


def latest_of_each_name(runs: Iterable[Seen]) -> Iterator[Seen]:
    """The runs to check for grown data: the latest of each name, if it requests retuning.

    Parameters
    ----------
    runs
        The latest runs, newest first.
    """
    seen = set()
    for run in runs:
        if run.name not in seen:
            seen.add(run.name)
            if run.retune is not None:
                yield run


def grown(s3: Any, record: Record) -> Grown | None:
    """The name of a run whose data has grown enough, long enough after its last run; else None."""
    settings = record.run.retune
    if settings is None or record.is_open or _is_too_soon(record.run, settings):
        return None
    heads = [_head(s3, one) for one in data_files(record.run)]
    if any(head is None for head in heads):
        return None
    size = sum(head["ContentLength"] for head in heads if head is not None)
    share = round(size / settings.data_bytes - 1, 6) if settings.data_bytes else 0.0
    if share < settings.when_grown_by:
        return None
    versions = tuple(str(head.get("VersionId", head["ETag"])) for head in heads if head is not None)
    source = record.run.source
    return Grown(
        name=record.run.name,
        manifest=source,
        identity=(source.bucket, source.key, source.version_id, *versions),
        share=share,
    )


def data_files(run: Run) -> list[S3Object]:
    """The files that a run trains on, without held-out files."""
    stages: list[TrainingStage | Run] = [*run.earlier_stages, run]
    files = (one for stage in stages for one in (stage.train, stage.validation) if one is not None)
    return [object_ for file in files for object_ in file.objects]


def read_by(run: Run) -> Iterator[S3Object]:
    """All files that a run reads."""
    yield from data_files(run)
    for one in (run.test, run.more_test):
        if one is not None:
            yield from one.objects


def _is_too_soon(run: Run, settings: Retune) -> bool:
    return clock.seconds_between(run.created_at, clock.now()) < settings.at_most_every_seconds


def _head(s3: Any, file: S3Object) -> dict[str, Any] | None:
    """A data file as it is now; None if it was deleted."""
    try:
        head: dict[str, Any] = s3.head_object(Bucket=file.bucket, Key=file.key)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise
    return head

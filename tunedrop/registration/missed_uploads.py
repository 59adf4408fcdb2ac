"""Finds uploads without a run, by listing the intake bucket.

S3 delivers events at least once, and EventBridge retries for a day. An event can still be lost, by a disabled
rule or an exhausted quota. Such an upload is started again, with doubling delays; without a run after
`REPORT_AFTER` tries it is reported like all repeated failures (`tunedrop.registry.troubles`).

Objects are listed but never read, so that one that cannot be decrypted is found like any other. An upload's
run is looked up only while a try is due, because whoever uploads decides how many there are.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
from botocore.exceptions import ClientError
from msgspec import json

from tunedrop import aws, clock, intake, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Run, S3Object
from tunedrop.registration import _folders, resuming, retuning
from tunedrop.registration._events import SWEEP
from tunedrop.registry import Registry
from tunedrop.registry.troubles import Troubles
from tunedrop.reporting import console
from tunedrop.stage import Stage

LOOK_BACK = timedelta(days=1)
"""The maximum age of an upload; older ones were ignored on purpose, or precede the stage."""

REPORT_AFTER = 4
"""Tries after which an upload without a run counts as failing: about three hours with a grace of ten
minutes."""

MOST_LOOKED_UP = 20_000
"""Uploads whose runs are looked up in one turn of the sweep; a random part if more are due."""


class NoRun(Exception):
    """An upload has no run after repeated starts; the message is for people."""


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a dataset, a manifest or a retry; `number` is the number of tries so far. `is_due`: that
    try is due in this turn of the sweep or the one before."""

    source: S3Object
    at: datetime
    number: int = 0
    is_due: bool = True

    @property
    def subject(self) -> str:
        """Its name among the subjects that fail (`tunedrop.registry.troubles`)."""
        return f"upload {self.source.uri}"


def overdue(s3: Any, stage: Stage) -> Iterator[Uploaded]:
    """Uploads whose event should have arrived by now.

    Objects are listed, not read.
    """
    now = datetime.now(UTC)
    grace, turn = timedelta(seconds=stage.upload_grace_seconds), timedelta(minutes=stage.sweep_minutes)
    for one in _uploads(s3, stage):
        if now - LOOK_BACK < one.at < now - grace:
            number = _number(now - one.at, grace)
            is_due = now - one.at - grace * 2**number < max(grace, 2 * turn)
            yield msgspec.structs.replace(one, number=number, is_due=is_due)


def of_folders(runs: Iterable[Run]) -> set[tuple[str, str]]:
    """The keys and versions of files that runs have read as parts of a dropped folder.

    They are no datasets of their own, also if the stage has got tenants since: below a tenant's name they
    would be.
    """
    dropped = (run for run in runs if run.source.key.startswith(intake.DROP_PREFIX))
    return {
        (one.key, one.version_id)
        for run in dropped for one in retuning.read_by(run)
        if one.key != run.source.key
    }  # fmt: skip


def to_look_up(uploads: Iterator[Uploaded], troubles: Troubles) -> list[Uploaded]:
    """The uploads of which a try is due, or that are failing; at most `MOST_LOOKED_UP`, held at any time."""
    found: list[Uploaded] = []
    due = (one for one in uploads if one.is_due or troubles.has(one.subject))
    for number, one in enumerate(due):
        if number < MOST_LOOKED_UP:
            found.append(one)
        elif (place := random.randint(0, number)) < MOST_LOOKED_UP:  # noqa: S311 - not a secret
            found[place] = one
    return found


def is_missed(registry: Registry, upload: Uploaded) -> bool:
    """Whether an overdue upload has no run, or an overdue retry no attempt.

    A retry that came too early, or for a run that cannot be retried, is not started later
    (`tunedrop.registration.stray_uploads` reports it).
    """
    if registry.has_run(upload.source):
        return False
    asked = intake.read_signal(upload.source.key)
    record = registry.get(asked.name) if asked.kind == "retry" else None
    return record is None or resuming.follows(record, asked.code, upload.at)


def start(aws_: Aws, machine_arn: str, found: Uploaded) -> bool:
    """Start the execution that the event should have started. False if this try was started before."""
    source = found.source
    identity = (source.bucket, source.key, source.version_id, str(found.number))
    return start_once(aws_, machine_arn, found.source, found.at, "missed", identity)


def start_once(
    aws_: Aws, machine_arn: str, source: S3Object, moment: datetime, why: str, identity: Sequence[str],
    *, base_model: str = "",
) -> bool:  # fmt: skip
    """Start an execution for an upload, as its event would. False if it was started before.

    Parameters
    ----------
    why
        The reason; a prefix of the execution's name.
    identity
        Identifies the start, which happens once.
    base_model
        Overrides the manifest's.
    """
    event = {
        "source": SWEEP,
        "detail-type": "Object Created",
        "time": clock.write(moment),
        "detail": {
            "reason": why,
            **({"base-model": base_model} if base_model else {}),
            "bucket": {"name": source.bucket},
            "object": {"key": source.key, "version-id": source.version_id},
        },
    }
    name = f"{why}-{naming.client_token(*identity)[:40]}"
    try:
        aws_.step_functions.start_execution(
            stateMachineArn=machine_arn, name=name, input=json.encode(event).decode()
        )
    except ClientError as error:
        if aws.code_of(error) == "ExecutionAlreadyExists":
            return False
        raise
    return True


def check_is_not_lost(stage: Stage, found: Uploaded) -> None:
    """Do nothing while an upload may still get a run.

    Raises
    ------
    NoRun
        After several tries, so that people are notified.
    """
    if found.number >= REPORT_AFTER:
        until = clock.for_people(clock.write(found.at + LOOK_BACK))
        raise NoRun(
            f"it was uploaded on {clock.for_people(clock.write(found.at))} UTC and has no run after "
            f"{found.number} tries. It is retried until {until} UTC; after that, upload it again. The "
            f"executions that failed say why: {console.state_machine(stage)}"
        )


def _number(age: timedelta, grace: timedelta) -> int:
    """The number of tries due at this age: one after the grace, then at doubling intervals."""
    return max(0, int(age / grace).bit_length() - 1) if grace > timedelta() else 0


def _uploads(s3: Any, stage: Stage) -> Iterator[Uploaded]:
    """All versions of objects that start or retry a run; each is a separate upload.

    A folder counts once no file has arrived for a while, if one did since its last `_SUCCESS`. S3 lists the
    objects of a folder together: no more than one folder is held, however many there are.
    """
    pages = s3.get_paginator("list_object_versions")
    for prefix in (intake.DROP_PREFIX, intake.RUNS_PREFIX):
        listed = pages.paginate(Bucket=stage.intake_bucket, Prefix=prefix)
        items = (item for page in listed for item in page.get("Versions", ()))
        for _, folder in groupby(items, lambda item: intake.dropped_folder(item["Key"], stage.tenants)):
            yield from _of_folder(stage, folder)


def _of_folder(stage: Stage, items: Iterable[Mapping[str, Any]]) -> Iterator[Uploaded]:
    newest = _folders.Newest()
    for item in items:
        key, at = item["Key"], item["LastModified"]
        kind = intake.read_key(key, stage.tenants).kind
        source = S3Object(bucket=stage.intake_bucket, key=key, version_id=aws.version_of(item))
        if item["IsLatest"]:
            newest.add(kind, source, at)
        if kind in ("dataset", "folder", "manifest", "retry") and not intake.is_folder(key, item["Size"]):
            yield Uploaded(source=source, at=at)
    if newest.file is not None:
        source, at = newest.file
        yield Uploaded(source=source, at=at)

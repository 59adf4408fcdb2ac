"""`retry --test`: held-out records for a run that ended inconclusive."""

from __future__ import annotations

from pathlib import Path

from tunedrop import intake
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import errors, fail
from tunedrop.cli.progress import bytes_done
from tunedrop.cli.runs._sending import parts_of, send
from tunedrop.contracts import S3Object
from tunedrop.registration.resuming import reevaluates
from tunedrop.registry import Record


def refuse(here: Deployed, record: Record, path: Path) -> None:
    """Fail if these records cannot be the test set of a retry."""
    run, bucket = record.run, here.stage.intake_bucket
    if not path.is_file():
        fail(f"there is no file {path}", USAGE)
    if not reevaluates(record):
        fail(
            f"{run.run_id} is {record.status}: a retry uses its existing test set",
            NO,
            "Omit --test: it is only for runs that ended inconclusive",
        )
    place = _place(here, record)
    if place.bucket != bucket:
        fail(
            f"the test set of {run.run_id} is {place.uri}, where the stage may not write",
            NO,
            "Put the records there and retry without --test",
        )


def upload(here: Deployed, record: Record, path: Path) -> None:
    """Upload a file of held-out records to the key that a retry of the run reads."""
    place = _place(here, record)
    with bytes_done("uploading", path.stat().st_size) as advance:
        send(here.aws.s3, path, place.bucket, place.key, parts_of(path), advance)
    errors.print(f"uploaded  {place.uri}", soft_wrap=True)


def _place(here: Deployed, record: Record) -> S3Object:
    key = intake.more_test_key(record.run.run_id)
    return record.run.test or S3Object(bucket=here.stage.intake_bucket, key=key)

"""`retry --test`: held-out records for a run that ended inconclusive."""

from __future__ import annotations

from pathlib import Path

from tunedrop import intake
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import errors, fail
from tunedrop.cli.progress import bytes_done
from tunedrop.cli.runs.sending import parts_of, send
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import S3Object
from tunedrop.registration.resuming import evaluates_anew
from tunedrop.registry import Record


def upload(here: Deployed, record: Record, path: Path) -> None:
    """Upload a file of held-out records to where the retry of a run looks for it."""
    run, bucket = record.run, here.stage.intake_bucket
    if not path.is_file():
        fail(f"there is no file {path}", USAGE)
    if not evaluates_anew(record):
        fail(
            f"{run.run_id} is {record.status}: a retry goes on with the test set that it has",
            NO,
            "Leave out --test: it is for a run that ended inconclusive",
        )
    place = run.test or S3Object(bucket=bucket, key=intake.more_test_key(run.run_id))
    if place.bucket != bucket:
        fail(
            f"the test set of {run.run_id} is {place.uri}, which is not the stage's to write",
            NO,
            "Put the records there, and retry without --test",
        )
    with bytes_done("uploading", path.stat().st_size) as advance:
        send(here.aws.s3, path, bucket, place.key, parts_of(path), advance)
    errors.print(f"uploaded  {place.uri}", soft_wrap=True)

"""`submit`: check, price, confirm, upload: the data first, the manifest last, which starts the run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import typer
from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.cli import estimates, folder
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.folder import Submission
from tunedrop.cli.live.watch import started, watch
from tunedrop.cli.output import Format, console, errors, fail, print_json
from tunedrop.cli.progress import Advance, bytes_done, size_of
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import Estimate
from tunedrop.cost.words import in_words
from tunedrop.registry import Record

_DIGEST = "tunedrop-sha256"
"""Metadata of an uploaded file: what is there already is not sent again after an interruption."""


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What `submit --format json` prints. `estimate` is None where the data was not checked here."""

    run_id: str
    uploaded: list[str]
    estimate: Estimate | None = None


def submit(
    here: Deployed, path: Path, *, check: bool, ask: bool, follow: bool, format_: Format = Format.text
) -> int:
    """Submit a folder or one file; 0 when the run has started, or with `follow` when it ended well.

    Parameters
    ----------
    check
        Check the data and price the run here first, and refuse what the pipeline would refuse.
    ask
        Ask before anything is uploaded, where somebody sits at a terminal.
    """
    submission = folder.read(path)
    estimate = _checked(here, submission, format_) if check else None
    if ask and errors.is_terminal and console.is_terminal:
        _confirm(here, submission)
    uploaded, version = _upload(here, submission, format_)
    record = started(lambda: _run_of(here, submission, version), submission.name)
    if format_ is Format.json:
        if not follow:
            print_json(Submitted(run_id=record.run.run_id, uploaded=uploaded, estimate=estimate))
    else:
        console.print(f"started   {record.run.run_id}")
    if follow:
        return watch(here, record, format_)
    if format_ is Format.text:
        console.print(f"follow it: tunedrop watch {record.run.run_id} --stage {here.name}")
    return YES


def _checked(here: Deployed, submission: Submission, format_: Format) -> Estimate | None:
    if submission.elsewhere:
        errors.print(f"not checked here, it is in S3: {', '.join(submission.elsewhere)}")
        return None
    plan = estimates.plan(submission, None, here)
    if format_ is Format.text:
        _show(plan)
    return plan.estimate


def _show(plan: estimates.Plan) -> None:
    train = plan.report.files["train"]
    warnings = f", {plan.report.warning_count:,} warnings" if plan.report.warning_count else ""
    console.print(
        f"valid     {plan.report.method}: {train.records:,} records, {train.tokens:,} tokens (estimated)"
        f"{warnings}"
    )
    console.print(f"price     {in_words(plan.estimate)}; budget {plan.estimate.budget_usd:.2f} USD")
    for reason in plan.estimate.approval_reasons:
        console.print(f"          it will wait for your approval: {reason}", style="yellow")


def _confirm(here: Deployed, submission: Submission) -> None:
    if not typer.confirm(f"Submit {submission.name} to stage {here.name}?", default=True, err=True):
        fail("nothing was uploaded", NO)


def _upload(here: Deployed, submission: Submission, format_: Format) -> tuple[list[str], str]:
    """The uploaded objects, and the version of the one that starts the run."""
    paths = [*submission.paths, *([submission.manifest] if submission.manifest else [])]
    uploaded, sent, version = [], [], ""
    with bytes_done("uploading", size_of(paths)) as advance:
        for path in paths:
            key = submission.key(path)
            # What starts the run is sent in any case: its arrival is the event.
            if path == paths[-1] or not _is_there(here, key, path):
                _send(here, path, key, advance)
                sent.append(path)
            uploaded.append(f"s3://{here.stage.intake_bucket}/{key}")
            version = str(_head(here, key).get("VersionId", ""))
    if format_ is Format.text:
        for path, uri in zip(paths, uploaded, strict=True):
            console.print(f"{'uploaded' if path in sent else 'is there'}  {uri}")
    return uploaded, version


def _send(here: Deployed, path: Path, key: str, advance: Advance) -> None:
    """In parts above 8 MiB, several at a time, each tried again by itself (boto3's transfer manager)."""
    here.aws.s3.upload_file(
        str(path),
        here.stage.intake_bucket,
        key,
        ExtraArgs={"Metadata": {_DIGEST: _digest(path)}},
        Callback=advance,
    )


def _is_there(here: Deployed, key: str, path: Path) -> bool:
    try:
        return bool(_head(here, key)["Metadata"].get(_DIGEST) == _digest(path))
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise


def _head(here: Deployed, key: str) -> dict[str, Any]:
    answer: dict[str, Any] = here.aws.s3.head_object(Bucket=here.stage.intake_bucket, Key=key)
    return answer


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _run_of(here: Deployed, submission: Submission, version: str) -> Record | None:
    """The run that this upload has started: it remembers the object's version."""
    runs = here.registry.named(submission.name)
    return next((record for record in runs if record.run.source.version_id == version), None)

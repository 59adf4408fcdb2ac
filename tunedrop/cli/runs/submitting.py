"""`submit`: checks, estimates, asks for confirmation, uploads the data, then the manifest, which starts the
run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import catalog, intake, naming
from tunedrop.aws import foundation_models
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import why_closed
from tunedrop.cli.confirming import confirm, if_interrupted
from tunedrop.cli.data import folder
from tunedrop.cli.data.folder import Submission
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, errors, fail, labelled, print_json
from tunedrop.cli.plan import estimating
from tunedrop.cli.progress import Advance, bytes_done, size_of
from tunedrop.cli.runs import repeated
from tunedrop.cli.runs._sending import Part, checksum_in, checksum_of, is_there, parts_of, send
from tunedrop.cli.runs.live.watch import started, watch
from tunedrop.contracts import Estimate
from tunedrop.formatting.commands import command
from tunedrop.formatting.costs import in_words
from tunedrop.formatting.counts import counted
from tunedrop.registration import retuning
from tunedrop.registry import Record


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What `submit --format json` prints. `estimate` is None if the data was not checked here."""

    run_id: str
    uploaded: list[str]
    estimate: Estimate | None = None


def submit(
    here: Deployed,
    path: Path,
    *,
    check: bool,
    yes: bool,
    follow: bool,
    again: bool = False,
    tenant: str = "",
    format_: Format = Format.text,
) -> int:
    """Submit a folder or one file; 0 when the run has started, or with `follow` when it ended with a verdict.

    Parameters
    ----------
    check
        Whether to check the data and estimate the cost first, and refuse what the pipeline would refuse.
    yes
        Upload without confirmation; required without a terminal.
    again
        Train again even if the same records were trained with the same settings before.
    tenant
        Whose run it is; required if the stage has tenants.
    """
    submission = folder.to_stage(folder.read(path), tenant, here.stage.tenants)
    estimate = _checked(here, submission, format_, again=again) if check else None
    _refuse_missing(submission)
    question = f"Submit {submission.name} to stage {here.name}?"
    confirm(question, yes=yes, otherwise="nothing was uploaded")
    record, uploaded = start(here, submission, format_, again=again)
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


def start(
    here: Deployed, submission: Submission, format_: Format, *, again: bool = False
) -> tuple[Record, list[str]]:
    """Upload a submission; returns the run that it starts, and the uploaded objects."""
    uploaded, version, checksums = _upload(here, submission, format_, again=again)
    sentence = f"{submission.name} is uploaded, and its run starts"
    follow = command("watch", submission.name, options=f"--stage {here.name}")
    with if_interrupted(sentence, f"Follow it: {follow}"):
        record = started(lambda: _run_of(here, submission, version), submission.name)
    _say_what_was_replaced(here, record, checksums)
    return record, uploaded


def _checked(here: Deployed, submission: Submission, format_: Format, *, again: bool) -> Estimate | None:
    if submission.elsewhere:
        errors.print(f"not checked here, because it is in S3: {', '.join(submission.elsewhere)}")
        return None
    plan = estimating.plan(submission, None, here)
    model = catalog.find(plan.run.base_model)
    _refuse_closed(here, model)
    repeated.refuse(here, submission, plan, again=again)
    if format_ is Format.text:
        _show(plan, submission)
    return plan.estimate


def _refuse_closed(here: Deployed, model: BaseModel) -> None:
    """Fail if the base model is Legacy or has ended, according to Bedrock, else the catalog."""
    try:
        closed = foundation_models.why_closed(
            foundation_models.describe(here.aws.bedrock, model), datetime.now(UTC)
        )
    except (ClientError, BotoCoreError):
        closed = why_closed(model.lifecycle)
    if closed:
        fail(
            f"{model.name} {closed}; nothing was uploaded",
            NO,
            f"{catalog.instead(model, None)}; or continue anyway: --no-check",
        )


def _show(plan: estimating.Plan, submission: Submission) -> None:
    train = plan.report.files["train"]
    number = plan.report.warning_count
    warnings = f", {counted(number, 'warning')}" if number else ""
    records = f"{train.records:,} records, {train.tokens:,} tokens (estimated)"
    labelled("valid     ", f"{plan.report.method}: {records}{warnings}")
    labelled("price     ", f"{in_words(plan.estimate)}; budget {plan.estimate.budget_usd:.2f} USD")
    for reason in plan.estimate.approval_reasons:
        labelled("          ", f"it will wait for your approval: {reason}", style="yellow")
    for sentence in estimating.test_set(plan, submission):
        labelled("test      ", sentence)


def _keys(submission: Submission) -> dict[str, Path]:
    """All files of a submission by key; the one that starts the run is last."""
    paths = [*submission.paths, *([submission.manifest] if submission.manifest else [])]
    return submission.media | {submission.key(path): path for path in paths}


def _refuse_missing(submission: Submission) -> None:
    missing = [path for path in _keys(submission).values() if not path.is_file()]
    if missing:
        fail(f"there is no file {missing[0]}, to which a record refers", NO)


def _say_what_was_replaced(here: Deployed, record: Record, checksums: Mapping[str, str]) -> None:
    """Two people may submit under one name at once: a run reads the data that is there when it starts."""
    run = record.run
    mine = [one for one in retuning.read_by(run) if one.key in checksums and one.version_id]
    try:
        others = [one for one in mine if checksum_in(here.aws.s3, one) != checksums[one.key]]
    except (ClientError, BotoCoreError):
        return
    for one in others:
        stop = command("stop", run.run_id, options=f"--stage {here.name}")
        errors.print(
            f"{one.uri} was replaced by another upload before {run.run_id} started, which reads that one. "
            f"To stop it: {stop}",
            style="bold red",
            soft_wrap=True,
        )


def _upload(
    here: Deployed, submission: Submission, format_: Format, *, again: bool
) -> tuple[list[str], str, dict[str, str]]:
    """Upload the files; returns the objects, the version of the one that starts the run, and the checksums by
    key."""
    keys, said = _keys(submission), []
    checksums, version = dict[str, str](), ""
    last = list(keys)[-1]
    with (
        if_interrupted("no run was started", "Submit it again: uploaded parts are not sent twice"),
        bytes_done("uploading", size_of(keys.values())) as advance,
    ):
        for key, path in keys.items():
            # The file that starts the run is always sent, because its arrival is the event.
            starts = key == last
            metadata = {intake.AGAIN: "true"} if again and starts else {}
            parts = parts_of(path)
            checksums[key] = checksum_of(parts)
            how, version = _sent(here, path, key, parts, advance, metadata, always=starts)
            said.append(how.format(naming.uri(here.stage.intake_bucket, key)))
    if format_ is Format.text:
        console.print("\n".join(said), soft_wrap=True)
    uploaded = [naming.uri(here.stage.intake_bucket, key) for key in keys]
    return uploaded, version, checksums


def _sent(
    here: Deployed,
    path: Path,
    key: str,
    parts: list[Part],
    advance: Advance,
    metadata: Mapping[str, str],
    *,
    always: bool,
) -> tuple[str, str]:
    """Send one file unless it is already there; returns a message, with `{}` for its URI, and the version
    that was sent."""
    s3, bucket = here.aws.s3, here.stage.intake_bucket
    if not always and is_there(s3, bucket, key, parts):
        advance(path.stat().st_size)
        return "unchanged {}", ""
    found, version = send(s3, path, bucket, key, parts, advance, metadata)
    return "uploaded  {}" + (f", resuming after {found / 1e6:,.0f} MB" if found else ""), version


def _run_of(here: Deployed, submission: Submission, version: str) -> Record | None:
    """The run that this upload has started, found by the object's version."""
    runs = here.registry.named(submission.name)
    return next((record for record in runs if record.run.source.version_id == version), None)

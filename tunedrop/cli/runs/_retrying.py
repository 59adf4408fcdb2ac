"""`retry`: resumes a run, or re-evaluates its model with more test records."""

from __future__ import annotations

import shlex
from pathlib import Path

from tunedrop import intake
from tunedrop.cli.confirming import confirm, if_interrupted
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import YES
from tunedrop.cli.output import Format, answer, fail
from tunedrop.cli.runs import _adding_test_records
from tunedrop.cli.runs.live import watch as following
from tunedrop.contracts import CompletedJob
from tunedrop.formatting.commands import command
from tunedrop.registration.resuming import RETRIABLE, reevaluates
from tunedrop.registry import Record


def retry(
    here: Deployed, record: Record, from_: str, test: Path | None, *, follow: bool, yes: bool, format_: Format
) -> int:
    """Resume a run that has ended; 0 when requested, or with `follow` when it ended with a verdict."""
    run = record.run
    if record.status not in RETRIABLE:
        fail(f"{run.run_id} is {record.status}: there is nothing to retry")
    if test is not None:
        _adding_test_records.refuse(here, record, test)
    confirm(f"Retry {run.run_id}? {_cost(record)}", yes=yes, otherwise="nothing was started")
    if test is not None:
        repeat = command("retry", run.run_id, options=f"--test {shlex.quote(str(test))}")
        with if_interrupted("nothing was started", f"Go on: {repeat}"):
            _adding_test_records.upload(here, record, test)
    here.signal(intake.signal_key(run.run_id, "retry", str(run.attempt)), from_)
    if not follow:
        answer({"run_id": run.run_id, "asked": "retry"}, f"asked {run.run_id} to resume", format_)
        return YES
    follow_it = f"Follow it: tunedrop watch {run.run_id} --stage {here.name}"
    with if_interrupted(f"{run.run_id} was asked to resume", follow_it):
        again = following.started(lambda: _next_attempt(here, record), run.run_id)
    return following.watch(here, again, format_)


def _cost(record: Record) -> str:
    """The cost of the retry, for the confirmation."""
    if record.document("job", CompletedJob) is not None:
        what = "It is re-evaluated" if reevaluates(record) else "It resumes where it ended"
        return f"{what}; its model is not retrained"
    estimated = f"{record.estimated_usd:.2f} USD" if record.estimated_usd is not None else "not known"
    return f"It has not trained a model yet; its estimated cost is {estimated}"


def _next_attempt(here: Deployed, before: Record) -> Record | None:
    record = here.registry.get(before.run.run_id)
    return record if record is not None and record.run.attempt > before.run.attempt else None

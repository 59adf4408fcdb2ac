"""`approve` and `stop`: answers of a person to a run."""

from __future__ import annotations

from tunedrop import intake
from tunedrop.cli.confirming import confirm, is_interactive
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, answer, fail
from tunedrop.cli.runs._status import status
from tunedrop.cli.runs.live import events
from tunedrop.registry import Record


def approve(here: Deployed, record: Record, estimate: str, format_: Format) -> None:
    """Approve an estimate of a waiting run: the one named, else the one shown."""
    run_id = record.run.run_id
    wait = here.waits.get(run_id, "approval") if record.is_open else None
    if wait is None:
        fail(f"{run_id} is {status(record)}: it is not waiting for approval")
    code = intake.read_signal(wait.subject).code
    question, command = events.question(record), events.approve_command(record, wait, here.name)
    if estimate and estimate != code:
        fail(
            f"{run_id} is waiting with a different estimate than {estimate}: {question}",
            NO,
            f"To approve it: {command}",
        )
    if not estimate and not is_interactive():
        fail(
            f"name the estimate of {run_id} that you approve: {question}", USAGE, f"To approve it: {command}"
        )
    if not estimate:
        confirm(f"{run_id}: {question}. Approve it?", otherwise="nothing was approved")
    here.signal(wait.subject)
    answer({"run_id": run_id, "asked": "approve", "estimate": code}, f"approved {run_id}", format_)


def stop(here: Deployed, record: Record, format_: Format) -> None:
    """Request a stop of a run, without asking for confirmation."""
    run = record.run
    if not record.is_open:
        fail(f"{run.run_id} is {record.status}: there is nothing to stop")
    here.signal(intake.signal_key(run.run_id, "stop", str(run.attempt)))
    answer({"run_id": run.run_id, "asked": "stop"}, f"requested a stop of {run.run_id}", format_)

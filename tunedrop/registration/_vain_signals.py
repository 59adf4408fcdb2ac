"""Signals to an existing run that have no effect and never will, so that whoever put them is notified."""

from __future__ import annotations

from datetime import datetime

from tunedrop import intake
from tunedrop.contracts import Estimate
from tunedrop.registration import resuming
from tunedrop.registry import Record
from tunedrop.waiting import approval


def why(record: Record, key: str, at: datetime) -> str:
    """What is wrong with a signal of this time; empty if it has, had or may still have an effect."""
    upload = intake.read_signal(key)
    match upload.kind:
        case "approve":
            return _approval(record, key, upload.code)
        case "stop":
            attempt = record.run.attempt
            was_there = upload.code in map(str, range(1, attempt + 1))
            return "" if was_there else f"stops nothing; the run is in attempt {attempt}"
        case "retry":
            return "starts no attempt" if _is_vain_retry(record, upload.code, at) else ""
    return ""


def _approval(record: Record, key: str, code: str) -> str:
    """An approval of an earlier attempt may have been right; which estimates it had is not kept."""
    run, estimate = record.run, record.document("estimate", Estimate)
    right = approval.key_of(run, estimate) if estimate is not None else ""
    if key == right or code.partition("-")[0] in map(str, range(1, run.attempt)):
        return ""
    if record.is_open and record.step == approval.STEP:
        return f"approves nothing; the run waits for {right}"
    return "approves nothing; the run does not wait for an approval"


def _is_vain_retry(record: Record, ended: str, at: datetime) -> bool:
    if record.is_open or resuming.follows(record, ended, at):
        return False
    return ended not in map(str, range(1, record.run.attempt))

"""Signals to an existing run that have no effect and never will, so that whoever put them is notified."""

from __future__ import annotations

from datetime import datetime

from tunedrop import intake
from tunedrop.contracts import Estimate
from tunedrop.registration import resuming
from tunedrop.registry import Record, Registry
from tunedrop.waiting import approval


def why(registry: Registry, record: Record, key: str, at: datetime) -> str:
    """What is wrong with a signal of this time; empty if it has, had or may still have an effect."""
    upload = intake.read_signal(key)
    match upload.kind:
        case "approve":
            return _approval(registry, record, key, upload.code)
        case "stop":
            attempt = record.run.attempt
            was_there = upload.code in map(str, range(1, attempt + 1))
            return "" if was_there else f"stops nothing; the run is in attempt {attempt}"
        case "retry":
            return "starts no attempt" if _is_vain_retry(record, upload.code, at) else ""
    return ""


def _approval(registry: Registry, record: Record, key: str, code: str) -> str:
    """An approval of an earlier attempt may have been right, and so may one that was asked for before an
    upgrade from a release that did not note it."""
    run, estimate = record.run, record.document("estimate", Estimate)
    asked = approval.asked(registry, run)
    not_noted = not asked and estimate is not None and bool(estimate.approval_reasons)
    if key in asked or not_noted or code.partition("-")[0] in map(str, range(1, run.attempt)):
        return ""
    if record.is_open and record.step == approval.STEP:
        return f"approves nothing; the run waits for {' or '.join(sorted(asked))}"
    return "approves nothing; the run does not wait for an approval"


def _is_vain_retry(record: Record, ended: str, at: datetime) -> bool:
    if record.is_open or resuming.follows(record, ended, at):
        return False
    return ended not in map(str, range(1, record.run.attempt))

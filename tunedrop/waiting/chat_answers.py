"""Approves and stops runs by chat buttons, which do what `tunedrop approve` and `tunedrop stop` do.

A button passes only the code of the estimate in its message: a run id contains an uploader's text, which must
not become part of a chat command. The code applies to that estimate only; once it was answered, or superseded
by another attempt, the button does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunedrop import escaping, intake
from tunedrop.contracts import Wait
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

NOTHING = "Nothing waits for this approval: it was answered before, or its time is over."


def approve(s3: Any, stage: Stage, waits: Waits, code: str) -> str:
    """Approve the estimate of this code; returns a message."""

    def put(wait: Wait) -> str:
        s3.put_object(Bucket=stage.intake_bucket, Key=wait.subject, Body=b"")
        return f"{escaping.line(wait.run_id)} is approved and continues."

    return _answer(waits, code, put)


def stop(s3: Any, stage: Stage, waits: Waits, code: str) -> str:
    """Stop the attempt whose estimate has this code; returns a message."""
    attempt = code.partition("-")[0]

    def put(wait: Wait) -> str:
        key = intake.signal_key(wait.run_id, "stop", attempt)
        s3.put_object(Bucket=stage.intake_bucket, Key=key, Body=b"")
        more = "" if attempt == "1" else "more "
        return f"{escaping.line(wait.run_id)} is stopped. Nothing {more}was paid."

    return _answer(waits, code, put)


def _answer(waits: Waits, code: str, put: Callable[[Wait], str]) -> str:
    """Answer the wait of this code."""
    found = [one for one in waits.of_kind("approval") if intake.read_signal(one.subject).code == code]
    return put(found[0]) if code and len(found) == 1 else NOTHING

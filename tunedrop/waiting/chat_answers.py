"""Approving and stopping by a button of the chat: what pressing it does is what `tunedrop approve` does.

A button names the code of the estimate that its message shows, and nothing else: a run's id holds text of an
uploader, which no command of a chat is to be made of. The code decides for that estimate alone; once it was
answered, or another attempt has another estimate, the button does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunedrop import intake, shown
from tunedrop.contracts import Wait
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

NOTHING = "Nothing waits for this approval: it was answered before, or its time is over."


def approve(s3: Any, stage: Stage, waits: Waits, code: str) -> str:
    """Approve the estimate of this code; gives what has become of it, for a person."""

    def put(wait: Wait) -> str:
        s3.put_object(Bucket=stage.intake_bucket, Key=wait.subject, Body=b"")
        return f"{shown.line(wait.run_id)} is approved and goes on."

    return _answer(waits, code, put)


def stop(s3: Any, stage: Stage, waits: Waits, code: str) -> str:
    """Stop the attempt whose estimate has this code; gives what has become of it, for a person."""
    attempt = code.partition("-")[0]

    def put(wait: Wait) -> str:
        key = intake.signal_key(wait.run_id, "stop", attempt)
        s3.put_object(Bucket=stage.intake_bucket, Key=key, Body=b"")
        return f"{shown.line(wait.run_id)} is stopped. Nothing was paid."

    return _answer(waits, code, put)


def _answer(waits: Waits, code: str, put: Callable[[Wait], str]) -> str:
    """Answer the one wait that the code is about."""
    found = [one for one in waits.of_kind("approval") if intake.read_key(one.subject).code == code]
    return put(found[0]) if code and len(found) == 1 else NOTHING

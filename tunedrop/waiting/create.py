"""Creates waits, with their place in the queue and their deadline."""

from __future__ import annotations

from tunedrop import clock
from tunedrop.contracts import Run, Wait, WaitKind
from tunedrop.stage import Stage


def wait_of(stage: Stage, run: Run, kind: WaitKind, subject: str, token: str) -> Wait:
    """A wait that begins now.

    A run keeps its place in the queue, however often it has to queue. Only approvals expire, after the
    stage's time limit; the default answer is no.
    """
    now = clock.now()
    return Wait(
        run_id=run.run_id,
        kind=kind,
        subject=subject,
        token=token,
        arrived_at=run.created_at if kind in ("slot", "deployment") else now,
        parked_at=now,
        expires_at=clock.after(now, stage.approval_timeout_seconds) if kind == "approval" else "",
    )

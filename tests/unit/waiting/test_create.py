"""What a wait looks like when it begins."""

from __future__ import annotations

import pytest

from tests import builders
from tunedrop.contracts import WaitKind
from tunedrop.waiting.create import wait_of

NOW = "2026-11-23T12:00:00Z"
ARRIVED = builders.run().created_at


@pytest.mark.parametrize(
    ("kind", "arrived_at", "expires_at"),
    [
        ("slot", ARRIVED, ""),  # a place in a queue is the run's arrival, however often it queues
        ("deployment", ARRIVED, ""),
        ("approval", NOW, "2026-11-23T13:00:00Z"),  # alone given up, after the stage's hour
        ("training", NOW, ""),
        ("throughput", NOW, ""),
        ("judging", NOW, ""),
    ],
)
def test_a_wait_has_its_place_and_its_end(
    monkeypatch: pytest.MonkeyPatch, kind: WaitKind, arrived_at: str, expires_at: str
) -> None:
    monkeypatch.setattr("tunedrop.clock.now", lambda: NOW)

    wait = wait_of(builders.stage(approval_timeout_seconds=3_600), builders.run(), kind, "subject", "token")

    assert (wait.arrived_at, wait.parked_at, wait.expires_at) == (arrived_at, NOW, expires_at)
    assert (wait.run_id, wait.kind, wait.subject, wait.token) == (
        builders.run().run_id, kind, "subject", "token",
    )  # fmt: skip

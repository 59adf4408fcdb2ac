"""Following a run from the registry: each step's start and end, then the run."""

from __future__ import annotations

import itertools
import time

import pytest

from tests import builders
from tunedrop.registry import Record, Registry
from tunedrop.registry.follow import follow

RUN = "persona-0123456789"
AT = "2026-11-23T10:00:01Z"


def test_a_step_that_two_have_ended_is_told_once(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(10)
    monkeypatch.setattr("tunedrop.clock.now", lambda: f"2026-11-23T10:00:{next(seconds)}Z")
    registry.register(builders.run())
    looks = iter(
        (
            lambda: registry.start_step(RUN, "wait_for_training", AT),
            lambda: registry.end_step(RUN, "wait_for_training", AT),
            lambda: registry.end_step(RUN, "wait_for_training", AT),
            lambda: registry.end(RUN, "promoted", None),
        )
    )

    seen = list(follow(registry, RUN, time.monotonic() + 60, sleep=lambda _: next(looks)() and None))

    *steps, record = seen
    assert [(step.step, bool(step.ended_at)) for step in steps if not isinstance(step, Record)] == [
        ("wait_for_training", False),
        ("wait_for_training", True),
    ]
    assert isinstance(record, Record)
    assert record.status == "promoted"

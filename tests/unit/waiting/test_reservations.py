from __future__ import annotations

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog, clock
from tunedrop.stage import Stage
from tunedrop.waiting.queue import start_or_queue
from tunedrop.waiting.table import RESERVED_SECONDS, Waits

FREE = {"modelCustomizationJobSummaries": []}


def test_a_promised_slot_is_not_given_to_a_newcomer(waits: Waits, stage: Stage) -> None:
    for number in range(stage.customization_quota):
        waits.reserve_slot(f"run-{number}")
    bedrock = FakeBedrock(
        list_model_customization_jobs=FREE, get_model_customization_job=refusal("ResourceNotFoundException")
    )

    started = start_or_queue(
        bedrock,
        waits,
        stage,
        builders.run(),
        builders.dataset(),
        catalog.find(builders.LLAMA_3_3),
        granted=False,
    )

    assert started.outcome == "queued"


def test_a_run_that_was_let_in_gives_its_reservation_up_when_it_has_started(
    waits: Waits, stage: Stage
) -> None:
    run = builders.run()
    waits.reserve_slot(run.run_id)
    bedrock = FakeBedrock(
        list_model_customization_jobs=FREE, create_model_customization_job={"jobArn": builders.JOB_ARN}
    )

    started = start_or_queue(
        bedrock, waits, stage, run, builders.dataset(), catalog.find(builders.LLAMA_3_3), granted=True
    )

    assert started.outcome == "started"
    assert waits.reserved_slots() == []


def test_a_promise_that_nobody_came_for_is_forgotten(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    waits.reserve_slot("run-1")
    later = clock.after(clock.now(), RESERVED_SECONDS + 1)

    assert waits.reserved_slots() == ["run-1"]
    monkeypatch.setattr(clock, "now", lambda: later)
    assert waits.reserved_slots() == []


def test_a_reservation_is_no_wait(waits: Waits) -> None:
    waits.reserve_slot("persona-0123456789")

    assert waits.of_run("persona-0123456789") == []

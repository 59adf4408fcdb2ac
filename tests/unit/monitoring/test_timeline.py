from __future__ import annotations

from tunedrop.monitoring.timeline import JOURNEY, timeline
from tunedrop.registry import StepRecord

NOW = "2026-11-23T10:05:00Z"


def taken(step: str, start: str, end: str = "", error: str = "") -> StepRecord:
    return StepRecord(
        step=step,
        started_at=f"2026-11-23T10:{start}Z",
        ended_at=f"2026-11-23T10:{end}Z" if end else "",
        error=error,
    )


def test_steps_of_the_same_second_stand_in_the_order_of_the_journey() -> None:
    steps = timeline(
        [taken("preflight", "00:01", "00:01"), taken("validate_data", "00:01", "00:01")], NOW, is_open=False
    )

    assert [step.name for step in steps] == ["validate_data", "preflight"]


def test_an_open_run_shows_what_is_to_come_but_no_wait_that_may_not_be_needed() -> None:
    steps = timeline([taken("validate_data", "00:01")], NOW, is_open=True)

    assert [step.state for step in steps[:2]] == ["going on", "to come"]
    assert steps[-1].name == "notify"
    assert "wait_for_approval" not in [step.name for step in steps]


def test_a_step_that_goes_on_has_taken_until_now() -> None:
    (step,) = timeline([taken("evaluate_model", "04:00")], NOW, is_open=False)

    assert step.seconds == 60


def test_a_step_that_was_tried_twice_is_shown_once_with_its_last_state() -> None:
    tries = [
        taken("validate_data", "00:01", "00:03", error="throttled"),
        taken("validate_data", "00:05", "00:06"),
    ]

    (step,) = timeline(tries, NOW, is_open=False)

    assert (step.state, step.tries, step.seconds) == ("done", 2, 3)


def test_a_retried_run_begins_again_at_the_step_that_had_failed() -> None:
    records = [
        taken("validate_data", "00:01", "00:02"),
        taken("preflight", "00:03", "00:04", error="no access"),
        taken("notify", "00:05", "00:06"),
    ]

    steps = timeline(records, NOW, is_open=True, since="2026-11-23T10:04:00Z")

    states = {step.name: step.state for step in steps}
    assert (states["validate_data"], states["preflight"]) == ("done", "to come")


def test_a_step_that_nobody_foresaw_is_shown_last() -> None:
    steps = timeline([taken("compare_siblings", "00:01", "00:02")], NOW, is_open=False)

    assert [step.name for step in steps] == ["compare_siblings"]
    assert "compare_siblings" not in JOURNEY

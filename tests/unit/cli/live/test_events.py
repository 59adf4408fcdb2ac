from __future__ import annotations

import msgspec

from tests.unit.cli.live import pictures
from tunedrop.cli.runs.live.events import changes


def test_the_first_poll_reports_all_events_in_order() -> None:
    events = changes(None, pictures.trains())

    assert [event.step for event in events if event.event == "step-ended"] == [
        "validate_data",
        "preflight",
        "estimate_cost",
        "start_customization",
    ]
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_an_unchanged_poll_reports_nothing() -> None:
    assert changes(pictures.trains(), pictures.trains()) == []


def test_a_pending_approval_is_reported_once_with_the_command() -> None:
    before = msgspec.structs.replace(pictures.waits_for_approval(), approval=None)

    (event,) = changes(before, pictures.waits_for_approval())

    assert event.event == "approval-required"
    assert "tunedrop approve persona-0123456789" in event.text


def test_the_end_carries_the_status_for_programs() -> None:
    before = pictures.trains()
    after = msgspec.structs.replace(before, record=pictures.ended())

    assert [(event.event, event.status) for event in changes(before, after)] == [("ended", "promoted")]


def test_the_end_has_its_own_time_however_late_it_is_seen() -> None:
    ended = msgspec.structs.replace(pictures.ended(), ended_at="2026-11-23T10:00:00Z")
    seen = msgspec.structs.replace(pictures.trains(), record=ended, at="2026-11-24T08:00:00Z")

    (event,) = (one for one in changes(None, seen) if one.event == "ended")

    assert event.at == "2026-11-23T10:00:00Z"


def test_the_end_is_the_last_event_even_if_a_step_ends_after_it() -> None:
    ended = msgspec.structs.replace(pictures.ended(), ended_at="2026-11-23T10:00:00Z")
    seen = msgspec.structs.replace(pictures.trains(), record=ended)

    events = changes(None, seen)

    assert max(event.at for event in events if event.step) > "2026-11-23T10:00:00Z"
    assert [event.event for event in events].index("ended") == len(events) - 1


def test_an_event_is_one_line() -> None:
    lines = [event.line() for event in changes(None, pictures.trains())]

    assert "2026-11-23T10:00:04Z  validate data         done in 3 s  single-turn: 200 records" in lines[0]
    assert not any("\n" in line for line in lines)

from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, Failure, S3Object
from tunedrop.registry import Registry
from tunedrop.registry._notices import UNSURE_SECONDS
from tunedrop.stage import Stage

FAILURE = Failure(error="AwsRefused", cause="denied")


def test_an_error_of_any_length_is_kept_as_far_as_an_item_has_room(registry: Registry) -> None:
    registry.register(builders.run())

    registry.end_step("persona-0123456789", "validate_data", "2026-11-23T10:00:00Z", error="😀" * 500_000)

    (step,) = registry.steps("persona-0123456789")
    assert len(step.error) == 32_768


def test_a_run_is_registered_once(registry: Registry) -> None:
    run = builders.run()
    twin = builders.run(execution_arn="arn:another")

    assert registry.register(run) is True
    assert registry.register(run) is True, "a retry of the same execution meets its own earlier success"
    assert registry.register(twin) is False


def test_what_a_run_produces_is_kept(registry: Registry) -> None:
    registry.register(builders.run())

    registry.save("persona-0123456789", job=builders.job())

    record = registry.get("persona-0123456789")
    assert record is not None
    assert record.document("job", CompletedJob) == builders.job()
    assert record.document("serving", CompletedJob) is None


def test_the_timeline_has_every_attempt_at_a_step(registry: Registry) -> None:
    registry.register(builders.run())
    for started, error in (("2026-11-23T10:00:01Z", "throttled"), ("2026-11-23T10:00:09Z", "")):
        registry.start_step("persona-0123456789", "validate_data", started)
        registry.end_step("persona-0123456789", "validate_data", started, error=error)

    steps = registry.steps("persona-0123456789")

    assert [(step.step, step.error) for step in steps] == [
        ("validate_data", "throttled"),
        ("validate_data", ""),
    ]
    assert all(step.ended_at for step in steps)


def test_a_stop_is_seen_by_the_next_step(registry: Registry) -> None:
    registry.register(builders.run())
    registry.request_stop(builders.run(), by="ann")

    record = registry.start_step("persona-0123456789", "evaluate_model", "2026-11-23T10:00:01Z")

    assert record.stop_requested_by == "ann"


def test_only_one_caller_may_notify(registry: Registry) -> None:
    registry.register(builders.run())

    assert registry.notices.claim("persona-0123456789", 1) == "claimed"
    assert registry.notices.claim("persona-0123456789", 1) == "unsure"
    registry.notices.give_back("persona-0123456789")
    assert registry.notices.claim("persona-0123456789", 1) == "claimed"


def test_a_receipt_settles_whether_an_unanswered_publish_was_heard(registry: Registry) -> None:
    registry.register(builders.run())
    registry.notices.claim("persona-0123456789", 1)

    assert registry.notices.confirm("persona-0123456789", 1)

    assert registry.notices.claim("persona-0123456789", 1) == "sent"
    assert registry.notices.claim("persona-0123456789", 2) == "claimed"


def test_a_receipt_of_what_nobody_has_claimed_counts_for_nothing(registry: Registry) -> None:
    registry.register(builders.run())
    assert not registry.notices.confirm("persona-0123456789", 1)
    assert not registry.notices.confirm("nobody-0123456789", 1)
    registry.notices.claim("persona-0123456789", 1)
    registry.notices.confirm("persona-0123456789", 1)
    for attempt in (2, 11):
        assert not registry.notices.confirm("persona-0123456789", attempt)

    assert registry.notices.claim("persona-0123456789", 1) == "sent"


def test_a_notice_without_receipt_may_be_sent_again_after_a_while(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register(builders.run())
    registry.notices.claim("persona-0123456789", 1)
    later = clock.after(clock.now(), UNSURE_SECONDS + 1)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert registry.notices.claim("persona-0123456789", 1) == "claimed"
    assert registry.notices.claim("persona-0123456789", 1) == "unsure"


def test_a_failed_run_can_be_opened_again(registry: Registry) -> None:
    registry.register(builders.run())
    registry.end("persona-0123456789", "failed", FAILURE)

    again = builders.run(execution_arn="arn:again", attempt=2)
    assert registry.reopen(again) is True
    assert registry.reopen(again) is True  # the SDK tried it again, having lost the answer
    assert registry.reopen(builders.run(execution_arn="arn:other", attempt=2)) is False

    record = registry.get("persona-0123456789")
    assert record is not None
    assert record.is_open
    assert record.failure is None


KEPT = {"preflight", "dataset", "estimate", "started", "job", "cost", "fit"}
OF_ONE_ATTEMPT = {"serving", "promotion", "released"}


@pytest.mark.parametrize(("evaluated_anew", "kept"), [(False, KEPT | {"evaluation"}), (True, KEPT)])
def test_a_retry_keeps_what_was_made_and_nothing_of_how_the_attempt_ended(
    registry: Registry, evaluated_anew: bool, kept: set[str]
) -> None:
    run = builders.run()
    registry.register(run)
    registry.save(run.run_id, **dict.fromkeys(KEPT | OF_ONE_ATTEMPT | {"evaluation"}, builders.job()))
    registry.request_stop(run, "Ada")
    registry.ended_as(run, FAILURE)
    registry.end(run.run_id, "failed", FAILURE, run.execution_arn)
    again = builders.run(execution_arn="arn:again", attempt=2, evaluation_attempt=2 if evaluated_anew else 1)

    registry.reopen(again)

    record = registry.get(run.run_id)
    assert record is not None
    assert record.documents.keys() == kept
    assert (record.failure, record.stop_requested_by, record.ended_at) == (None, "", "")
    assert registry.ended_as(again, None) is None  # the failure of the attempt before is not its own


def test_an_earlier_attempt_changes_nothing_of_the_next(registry: Registry) -> None:
    first, second = builders.run(), builders.run(execution_arn="arn:again", attempt=2)
    registry.register(first)
    registry.end(first.run_id, "failed", FAILURE, first.execution_arn)
    registry.reopen(second)

    assert registry.request_stop(first, "Ada") is False
    assert registry.ended_as(first, FAILURE) == FAILURE
    registry.end(first.run_id, "stopped", FAILURE, first.execution_arn)

    record = registry.get(first.run_id)
    assert record is not None
    assert record.is_open
    assert (record.failure, record.stop_requested_by) == (None, "")
    assert registry.ended_as(second, None) is None


def test_the_runs_of_a_name_come_newest_first(registry: Registry) -> None:
    old = builders.run(run_id="persona-1", created_at="2026-11-01T00:00:00Z")
    new = builders.run(run_id="persona-2", created_at="2026-11-02T00:00:00Z")
    for run in (old, new):
        registry.register(run)

    assert [record.run.run_id for record in registry.named("persona")] == ["persona-2", "persona-1"]
    assert registry.named("persona-1") == []


def test_a_run_named_like_anothers_id_does_not_take_its_place(registry: Registry) -> None:
    registry.register(builders.run(run_id="victim-1", name="victim"))
    registry.register(builders.run(run_id="attack-1", name="victim-1"))

    assert (found := registry.find("victim-1")) is not None
    assert found.run.run_id == "victim-1"
    assert (found := registry.find("victim")) is not None
    assert found.run.run_id == "victim-1"
    assert registry.find("nobody") is None


def test_an_upload_whose_key_has_line_breaks_is_found_under_a_key_without(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    """The policy of register_run has `UPLOAD#*`: the star may stop at a line break."""
    source = S3Object(bucket="intake", key="drop/a\r\nb\u202ec.jsonl", version_id="v1")
    run = builders.run(source=source)

    assert registry.register(run)
    assert not registry.register(
        msgspec.structs.replace(run, run_id="other-0123456789", execution_arn="arn:2")
    )

    found = registry.run_of(source)
    assert found is not None
    assert found.run == run
    keys = [item["pk"]["S"] for item in aws.dynamodb.scan(TableName=stage.registry_table)["Items"]]
    assert all(key.splitlines() == [key] for key in keys)


def test_what_happens_once_has_one_caller(registry: Registry) -> None:
    assert registry.claim("announced", "a run") is True
    assert registry.claim("announced", "a run") is False
    assert registry.claim("announced", "another run") is True

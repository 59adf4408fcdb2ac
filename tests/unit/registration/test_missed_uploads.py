from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.intake import signal_key
from tunedrop.registration import missed_uploads
from tunedrop.registration.missed_uploads import REPORT_AFTER, NoRun, Uploaded
from tunedrop.registry import Registry
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage

NOTHING_TO_WAIT_FOR = -5


@pytest.fixture
def patient_stage() -> Stage:
    return builders.stage(upload_grace_seconds=NOTHING_TO_WAIT_FOR)


def put(aws: Aws, bucket: str, key: str) -> S3Object:
    answer = aws.s3.put_object(Bucket=bucket, Key=key, Body=b"data")
    return S3Object(bucket=bucket, key=key, version_id=answer["VersionId"])


def missed(aws: Aws, registry: Registry, stage: Stage) -> list[S3Object]:
    overdue = missed_uploads.overdue(aws.s3, stage)
    return [one.source for one in overdue if missed_uploads.is_missed(registry, one)]


def test_a_dataset_and_a_manifest_without_a_run_were_missed(
    aws: Aws, registry: Registry, intake: str, patient_stage: Stage
) -> None:
    dropped = put(aws, intake, "drop/persona.jsonl")
    manifest = put(aws, intake, "runs/other/run.yaml")
    for beside in ("runs/other/train.jsonl", "runs/other-1/approve/1-0a", "elsewhere/a.jsonl"):
        put(aws, intake, beside)

    assert missed(aws, registry, patient_stage) == [dropped, manifest]


def test_an_upload_that_has_a_run_was_not_missed(
    aws: Aws, registry: Registry, intake: str, patient_stage: Stage
) -> None:
    registry.register(builders.run(source=put(aws, intake, "drop/persona.jsonl")))

    assert missed(aws, registry, patient_stage) == []


def test_a_newer_version_of_it_was(aws: Aws, registry: Registry, intake: str, patient_stage: Stage) -> None:
    registry.register(builders.run(source=put(aws, intake, "drop/persona.jsonl")))
    newer = put(aws, intake, "drop/persona.jsonl")

    assert missed(aws, registry, patient_stage) == [newer]


def test_an_event_may_take_its_time(aws: Aws, registry: Registry, intake: str, stage: Stage) -> None:
    put(aws, intake, "drop/persona.jsonl")

    assert missed(aws, registry, stage) == []


class Machine:
    """Step Functions, as far as starting goes: a name can be used once."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803
        if name in self.started:
            raise refusal("ExecutionAlreadyExists")
        self.started[name] = json.loads(input)


MOMENT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MISSED = Uploaded(source=S3Object(bucket="intake", key="drop/persona.jsonl", version_id="v1"), at=MOMENT)


def test_a_missed_upload_is_started_with_the_event_that_was_lost(aws: Aws) -> None:
    machine = Machine()
    aws.step_functions = machine

    first, second = (missed_uploads.start(aws, "arn:machine", MISSED) for _ in range(2))

    assert (first, second) == (True, False)
    (event,) = machine.started.values()
    assert event["detail"]["object"] == {"key": "drop/persona.jsonl", "version-id": "v1"}
    assert event["time"] == "2026-11-23T10:00:00Z"


def test_an_upload_that_still_has_no_run_is_started_again_each_time_later(aws: Aws) -> None:
    machine = Machine()
    aws.step_functions = machine
    grace = timedelta(minutes=10)
    numbers = [missed_uploads._number(timedelta(minutes=minutes), grace) for minutes in range(10, 24 * 60, 5)]

    for number in numbers:
        missed_uploads.start(aws, "arn:machine", msgspec.structs.replace(MISSED, number=number))

    assert len(machine.started) == 8
    assert [numbers.index(number) * 5 + 10 for number in range(5)] == [10, 20, 40, 80, 160]


def test_an_upload_that_never_gets_a_run_counts_as_failing_and_is_reported(stage: Stage) -> None:
    for number in range(REPORT_AFTER):
        missed_uploads.check_is_not_lost(stage, msgspec.structs.replace(MISSED, number=number))

    with pytest.raises(NoRun, match="has no run after 4 tries"):
        missed_uploads.check_is_not_lost(stage, msgspec.structs.replace(MISSED, number=REPORT_AFTER))


def test_every_version_of_a_key_was_an_upload(
    aws: Aws, registry: Registry, intake: str, patient_stage: Stage
) -> None:
    versions = [put(aws, intake, "drop/quick.jsonl") for _ in range(5)]
    put(aws, intake, "drop/quick.jsonl2")

    found = missed(aws, registry, patient_stage)

    assert {one.version_id for one in found if one.key == "drop/quick.jsonl"} == {
        one.version_id for one in versions
    }
    assert len(found) == 6


def test_a_retry_whose_event_was_lost_is_found_until_the_run_went_on(
    aws: Aws, registry: Registry, intake: str, patient_stage: Stage
) -> None:
    run = builders.run()
    registry.register(run)
    registry.end(run.run_id, "failed", None)
    retry = put(aws, intake, f"runs/{run.run_id}/retry/1")

    assert missed(aws, registry, patient_stage) == [retry]

    registry.reopen(msgspec.structs.replace(run, attempt=2))
    assert missed(aws, registry, patient_stage) == []


def test_an_empty_file_was_an_upload_and_the_mark_of_a_folder_was_none(
    aws: Aws, registry: Registry, intake: str, patient_stage: Stage
) -> None:
    aws.s3.put_object(Bucket=intake, Key="drop/")
    aws.s3.put_object(Bucket=intake, Key="drop/folder/")
    aws.s3.put_object(Bucket=intake, Key="drop/empty.jsonl")

    found = [one.key for one in missed(aws, registry, patient_stage)]

    assert found == ["drop/empty.jsonl"]


@pytest.mark.parametrize(
    ("attempt", "goes_on", "after", "was_missed"),
    [
        (1, False, "1", True),
        (2, False, "2", True),
        (1, True, "1", False),  # the attempt that it is to follow goes on
        (2, True, "1", False),  # it has begun
        (2, False, "1", False),  # it has begun, and ended
        (0, False, "1", True),  # of a run that nobody knows
    ],
)
def test_a_retry_was_missed_where_no_attempt_came_of_it(
    registry: Registry, stage: Stage, attempt: int, goes_on: bool, after: str, was_missed: bool
) -> None:
    run = builders.run(attempt=attempt)
    if attempt:
        registry.register(run)
        if not goes_on:
            registry.end(run.run_id, "failed", None)
    key = signal_key(run.run_id, "retry", after)
    source = S3Object(bucket=stage.intake_bucket, key=key, version_id="v1")

    asked = Uploaded(source=source, at=datetime.now(UTC))

    assert missed_uploads.is_missed(registry, asked) is was_missed


@pytest.mark.parametrize(("outcome", "seconds"), [("stopped", -60), ("failed", -60), ("promoted", 60)])
def test_a_retry_that_was_there_before_the_attempt_ended_is_not_begun_later(
    registry: Registry, stage: Stage, outcome: str, seconds: int
) -> None:
    """Else whoever leaves retries beforehand would have a run that somebody stopped go on by itself."""
    run = builders.run()
    registry.register(run)
    registry.end(run.run_id, outcome, None)
    key = signal_key(run.run_id, "retry", "1")
    source = S3Object(bucket=stage.intake_bucket, key=key, version_id="v1")
    at = datetime.now(UTC) + timedelta(seconds=seconds)

    assert not missed_uploads.is_missed(registry, Uploaded(source=source, at=at))


def at_ages(monkeypatch: pytest.MonkeyPatch, *minutes: int) -> None:
    """A bucket with an upload of each age."""
    found = [
        Uploaded(
            source=S3Object(bucket="intake", key=f"drop/{age}.jsonl", version_id="v"),
            at=datetime.now(UTC) - timedelta(minutes=age),
        )
        for age in minutes
    ]
    monkeypatch.setattr(missed_uploads, "_uploads", lambda *_: iter(found))


def ages(found: Iterable[Uploaded]) -> list[int]:
    return [int(one.source.key.removeprefix("drop/").removesuffix(".jsonl")) for one in found]


@pytest.mark.parametrize("sweep_minutes", [1, 5, 60])
def test_every_try_is_due_in_one_turn_of_the_sweep_at_least(
    aws: Aws, stage: Stage, monkeypatch: pytest.MonkeyPatch, sweep_minutes: int
) -> None:
    at_ages(monkeypatch, *range(1, 24 * 60 + 60))
    stage = msgspec.structs.replace(stage, sweep_minutes=sweep_minutes)

    due = [one for one in missed_uploads.overdue(aws.s3, stage) if one.is_due]

    for begins in (10 * 2**number for number in range(8)):
        assert set(range(begins + 1, min(begins + 2 * sweep_minutes, 2 * begins, 1440))) <= set(ages(due))
    assert sweep_minutes == 60 or len(due) < 24 * 60 / 10


def test_an_upload_is_looked_up_while_a_try_is_due_and_as_long_as_it_fails(
    aws: Aws, registry: Registry, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_ages(monkeypatch, 5, 12, 37, 50, 230, 231, 1500)
    troubles = Troubles(aws.dynamodb, stage.registry_table)
    troubles.note("upload s3://intake/drop/231.jsonl", NoRun("no run"))

    found = missed_uploads.to_look_up(missed_uploads.overdue(aws.s3, stage), troubles)

    assert ages(found) == [12, 231]


def test_a_turn_looks_up_a_part_of_very_many(
    aws: Aws, registry: Registry, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_ages(monkeypatch, *[12] * 40)
    monkeypatch.setattr(missed_uploads, "MOST_LOOKED_UP", 10)

    found = missed_uploads.to_look_up(
        missed_uploads.overdue(aws.s3, stage), Troubles(aws.dynamodb, stage.registry_table)
    )

    assert len(found) == 10


def test_no_more_uploads_are_held_than_are_looked_up(
    aws: Aws, registry: Registry, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_uploads, "MOST_LOOKED_UP", 10)
    held = most = 0

    class Counted:
        is_due = True

        def __init__(self) -> None:
            nonlocal held, most
            held += 1
            most = max(most, held)

        def __del__(self) -> None:
            nonlocal held
            held -= 1

    every: Any = (Counted() for _ in range(100))

    found = missed_uploads.to_look_up(every, Troubles(aws.dynamodb, stage.registry_table))

    assert (len(found), most) == (10, 12)  # the next one, while the last one is still named

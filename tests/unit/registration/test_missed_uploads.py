from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.registration import missed_uploads
from tunedrop.registry import Registry
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
    for beside in ("runs/other/train.jsonl", "runs/other/approve", "elsewhere/a.jsonl"):
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


def test_a_missed_upload_is_started_once_with_the_event_that_was_lost(aws: Aws) -> None:
    machine = Machine()
    aws.step_functions = machine
    source = S3Object(bucket="intake", key="drop/persona.jsonl", version_id="v1")
    moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    first, second = (missed_uploads.start(aws, "arn:machine", source, moment) for _ in range(2))

    assert (first, second) == (True, False)
    (event,) = machine.started.values()
    assert event["detail"]["object"] == {"key": "drop/persona.jsonl", "version-id": "v1"}
    assert event["time"] == "2026-11-23T10:00:00Z"

"""A job that Bedrock accepts and does not start."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.errors import CustomizationFailed
from tunedrop.registry import Registry
from tunedrop.waiting import _stalled

HOUR = 3_600


class Topic:
    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


class Deaf:
    def publish(self, **_: Any) -> None:
        raise refusal("InternalError", status=500)


@pytest.mark.parametrize(
    ("hours", "phases", "limit", "stops", "announced", "stopped"),
    [
        (25, {"trainingDetails": "NotStarted"}, 24, False, True, False),
        (25, {"trainingDetails": "NotStarted"}, 24, True, True, True),
        (23, {"trainingDetails": "NotStarted"}, 24, True, False, False),
        (25, {"trainingDetails": "InProgress"}, 24, True, False, False),
        (25, {"trainingDetails": "Completed"}, 24, True, False, False),
        (25, {}, 24, True, False, False),
        (400, {"trainingDetails": "NotStarted"}, 0, True, False, False),
    ],
)
def test_a_job_that_does_not_start_is_announced_once_and_stopped_if_the_stage_says_so(
    aws: Aws,
    registry: Registry,
    hours: int,
    phases: dict[str, str],
    limit: int,
    stops: bool,
    announced: bool,
    stopped: bool,
) -> None:
    topic = Topic()
    aws.sns = topic
    details = {name: {"status": status} for name, status in phases.items()}
    aws.bedrock = bedrock = FakeBedrock(
        get_model_customization_job={
            "jobArn": builders.JOB_ARN,
            "status": "InProgress",
            "statusDetails": details,
        },
        stop_model_customization_job={},
    )
    stage = builders.stage(region="us-east-1", stalled_after_seconds=limit * HOUR, stop_stalled=stops)
    registry.register(builders.run())
    wait = builders.wait(parked_at=clock.after(clock.now(), -hours * HOUR))

    for _ in range(2):
        if stopped:
            with pytest.raises(CustomizationFailed, match="NotStarted"):
                _stalled.check(aws, stage, registry, wait)
        else:
            _stalled.check(aws, stage, registry, wait)

    assert len(topic.published) == announced
    stops_asked = [{"jobIdentifier": builders.JOB_ARN}] * (2 if stopped else 0)
    assert bedrock.called("stop_model_customization_job") == stops_asked
    assert all("amazon.nova-lite-v1:0:300k" in one["Message"] for one in topic.published)
    assert all("Nothing is billed" in one["Message"] for one in topic.published)


def test_a_message_that_could_not_be_sent_is_sent_at_the_next_look(aws: Aws, registry: Registry) -> None:
    aws.bedrock = FakeBedrock(
        get_model_customization_job={
            "jobArn": builders.JOB_ARN,
            "status": "InProgress",
            "statusDetails": {"trainingDetails": {"status": "NotStarted"}},
        }
    )
    stage = builders.stage(stalled_after_seconds=24 * HOUR, stop_stalled=False)
    registry.register(builders.run())
    wait = builders.wait(parked_at=clock.after(clock.now(), -25 * HOUR))
    aws.sns = Deaf()
    with pytest.raises(ClientError):
        _stalled.check(aws, stage, registry, wait)

    aws.sns = topic = Topic()
    _stalled.check(aws, stage, registry, wait)

    assert len(topic.published) == 1


@pytest.mark.parametrize("stops", [False, True])
def test_other_base_models_of_the_region_are_named_and_not_the_stalled_one(stops: bool) -> None:
    run, region = builders.run(), "us-east-1"
    stage = builders.stage(region=region, stop_stalled=stops)

    said = _stalled.text(stage, run, builders.JOB_ARN, 90_000.0)

    others = {one.id for one in catalog.tunable(region=region)} - {run.base_model}
    assert others
    assert all(one in said for one in others)
    assert run.base_model not in said.replace(builders.JOB_ARN, "")
    assert ("It was stopped" in said) is stops
    assert (f"tunedrop stop {run.run_id}" in said) is not stops

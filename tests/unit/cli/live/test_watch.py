"""Following a run in a pipe, against a registry that changes between two snapshots."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError

from tests.unit.cli.live import pictures
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.failures import Failed
from tunedrop.cli.output import Format
from tunedrop.cli.runs.live import watch
from tunedrop.contracts import Failure
from tunedrop.monitoring import Monitor, Snapshot

Snapshots = Callable[..., None]


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """The snapshots that will be taken."""

    def will_see(*seen: Snapshot | Exception) -> None:
        left = list(seen)

        def taken(_: Monitor) -> Snapshot:
            one = left.pop(0)
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr(Monitor, "_taken", taken)
        monkeypatch.setattr(watch, "INTERVAL_SECONDS", 0.0)

    return will_see


def ended(**changes: object) -> Snapshot:
    return msgspec.structs.replace(pictures.trains(), record=pictures.ended(), **changes)


def test_a_program_gets_one_json_object_a_line(
    deployed: Deployed, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshots(pictures.trains(), ended())

    code = watch.watch(deployed, pictures.record(), Format.json)

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert events[-1]["event"] == "ended"
    assert {"at", "run_id", "event", "text", "step", "seconds", "status"} == set(events[0])


def test_a_run_that_failed_ends_with_1_and_its_cause(
    deployed: Deployed, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = Failure(error="CustomizationFailed", cause="Bedrock's job failed: out of luck")
    snapshots(msgspec.structs.replace(pictures.trains(), record=pictures.record("failed", failure)))

    assert watch.watch(deployed, pictures.record(), Format.text) == 1
    assert "out of luck" in capsys.readouterr().err


def test_a_network_that_fails_for_a_moment_ends_nothing(
    deployed: Deployed, snapshots: Snapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshots(pictures.trains(), EndpointConnectionError(endpoint_url="https://dynamodb"), ended())

    assert watch.watch(deployed, pictures.record(), Format.text) == 0
    assert "promoted: is better than its base model" in capsys.readouterr().out


def test_a_key_answers_only_while_an_approval_is_pending(
    deployed: Deployed, intake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch._answer(deployed, pictures.trains(), "y")
    assert "Contents" not in deployed.aws.s3.list_objects_v2(Bucket=intake)

    watch._answer(deployed, pictures.waits_for_approval(), "y")

    (item,) = deployed.aws.s3.list_objects_v2(Bucket=intake)["Contents"]
    assert item["Key"] == "runs/persona-0123456789/approve/1-0a1b2c3d4e"


@pytest.mark.parametrize(("waits", "said"), [(True, "waits for approval"), (False, "continues")])
def test_an_interruption_says_what_the_run_does_meanwhile(
    deployed: Deployed, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch, waits: bool, said: str
) -> None:
    def interrupted(_: float) -> str:
        raise KeyboardInterrupt

    snapshots(pictures.waits_for_approval() if waits else pictures.trains())
    monkeypatch.setattr(watch, "_sleep", interrupted)

    with pytest.raises(Failed) as failed:
        watch.watch(deployed, pictures.record(), Format.json)

    assert failed.value.message == f"interrupted: {pictures.record().run.run_id} {said}"

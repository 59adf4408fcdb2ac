"""A turn of the sweep in which one subject, or one whole part, fails: everything else has its turn."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.local_bedrock import LocalBedrock, tags
from tunedrop.aws import Aws
from tunedrop.contracts import Ending, Failure, S3Object
from tunedrop.registry import Registry, claims, troubles
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.troubles import REPORT_AFTER, Troubles
from tunedrop.results import removed_engines
from tunedrop.serving import inventory
from tunedrop.stage import Stage
from tunedrop.steps import sweep_throughput
from tunedrop.steps.sweep_throughput import Sweep, Swept
from tunedrop.waiting.table import Waits


class Executions:
    """Step Functions: what was started, and that no execution is there any more but of one run."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803
        self.started.append(input)

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn == "arn:forbidden":
            raise refusal("AccessDeniedException", status=403)
        return {"status": "ABORTED"}


@pytest.fixture
def bedrock(
    aws: Aws, stage: Stage, registry: Registry, waits: Waits, intake: str, tmp_path: Path
) -> LocalBedrock:
    """Two deployments that nobody owns, two uploads without a run, two runs without an execution."""
    found = LocalBedrock(tmp_path)
    aws.bedrock, aws.step_functions = found.client, Executions()
    for name in ("one", "two"):
        found.deployment(name, found.model(name, tags("test", name)), tags("test", name))
    for key in ("drop/a.jsonl", "drop/b.jsonl"):
        aws.s3.put_object(Bucket=intake, Key=key, Body=b"data")
    for run_id, arn in (("persona-0000000001", "arn:forbidden"), ("persona-0000000002", "arn:gone")):
        registry.register(builders.run(run_id=run_id, execution_arn=arn))
    return found


def sweep(aws: Aws, **settings: Any) -> tuple[Swept, list[Ending]]:
    closed: list[Ending] = []
    return Sweep(aws, builders.stage(upload_grace_seconds=-5, **settings), closed.append).run(), closed


def test_each_subject_fails_by_itself(aws: Aws, bedrock: LocalBedrock) -> None:
    """An execution that may not be described, and an upload encrypted with a key that nobody has."""
    aws.s3.put_object(
        Bucket="intake", Key="drop/poison.jsonl", Body=b"x",
        SSECustomerAlgorithm="AES256", SSECustomerKey=bytes(range(32)),
    )  # fmt: skip

    swept, closed = sweep(aws)

    assert [one.run.run_id for one in closed] == ["persona-0000000002"]
    assert len(swept.released) == 2
    assert len(swept.started) == 3
    assert swept.failed == ["run persona-0000000001"]


def test_a_list_that_failed_in_turns_days_apart_is_not_reported_as_one_that_keeps_failing(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    throttled = refusal("ThrottlingException")
    for _ in range(REPORT_AFTER):
        Troubles(aws.dynamodb, stage.registry_table).note(f"{inventory.LIST}custom model", throttled)

        swept, _ = sweep(aws)

        assert Troubles(aws.dynamodb, stage.registry_table).known.keys() == {"run persona-0000000001"}
    assert inventory.LIST not in "".join(swept.failed)


@pytest.mark.parametrize(
    ("operation", "lost"),
    [
        ("ListCustomModelDeployments", {"released"}),
        ("ListModelCustomizationJobs", {"closed"}),
        ("ListTagsForResource", {"released"}),
    ],
)
def test_the_parts_that_do_not_fail_have_their_turn(
    aws: Aws, bedrock: LocalBedrock, operation: str, lost: set[str]
) -> None:
    bedrock.world.faults.set(calls=[{"operation": operation, "times": 99, "error": "AccessDeniedException"}])

    swept, _ = sweep(aws)

    assert swept.failed
    done = {name for name in ("released", "closed", "started") if getattr(swept, name)}
    assert done == {"released", "closed", "started"} - lost - (
        {"closed"} if operation.startswith("ListModel") else set()
    )


def test_an_alias_that_is_behind_its_history_is_settled_before_anything_is_released(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody was interrupted while promoting by hand what no run owns any more."""
    listed = bedrock.client.list_custom_model_deployments()["modelDeploymentSummaries"]
    first, second = (one["customModelDeploymentArn"] for one in listed)
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote("persona", "run-1", builders.MODEL_ARN, builders.MODEL_ARN)
    with monkeypatch.context() as dying:
        dying.setattr(aliases, "_write_parameter", lambda _: sys.exit())
        with pytest.raises(SystemExit):
            aliases.promote("persona", "run-2", builders.MODEL_ARN, first)
    monkeypatch.setattr(claims, "LEASE_SECONDS", -1)  # long ago

    swept, _ = sweep(aws)

    assert swept.settled == [aliases.parameter("persona")]
    assert aliases.current("persona") == first
    assert swept.released == [second]


QWEN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/tunedrop-test-qwen3-4b/1"


def test_a_run_of_an_engine_that_the_settings_no_longer_list_is_reported_until_nothing_of_it_is_left(
    aws: Aws, bedrock: LocalBedrock, registry: Registry
) -> None:
    """The functions lost their permissions with the setting: nothing that they do could end it."""
    registry.register(builders.run(run_id="open-0000000003", base_model="qwen.qwen3-4b"))
    registry.register(builders.run(run_id="ended-0000000004", base_model="qwen.qwen3-4b"))
    registry.save("ended-0000000004", job=builders.job(model_arn=QWEN))
    registry.end("ended-0000000004", "rejected", None)
    registry.register(builders.run(run_id="tuned-0000000005", base_model="qwen.qwen3-32b:mantle"))
    registry.save("tuned-0000000005", job=builders.job(model_arn="https://bedrock-mantle/v1/models/a"))
    registry.end("tuned-0000000005", "rejected", None)

    swept, _ = sweep(aws)
    found = {one for one in swept.failed if one.startswith("removed engine")}
    known = Troubles(aws.dynamodb, builders.stage().registry_table).known

    assert found == {"removed engine of open-0000000003", "removed engine of ended-0000000004"}
    said = known["removed engine of ended-0000000004"].error
    assert 'Add "sagemaker-serverless" again and deploy' in said
    assert "tunedrop teardown ended-0000000004 --stage test" in said

    registry.note_gone("ended-0000000004", QWEN)
    ended, opened = registry.get("ended-0000000004"), registry.get("open-0000000003")
    assert ended is not None
    assert opened is not None
    removed_engines.check(builders.stage(), ended)
    with pytest.raises(removed_engines.EngineRemoved):
        removed_engines.check(builders.stage(), opened)
    removed_engines.check(builders.stage(engines=("bedrock", "sagemaker-serverless")), opened)


def test_a_run_of_a_removed_engine_is_found_behind_any_number_of_newer_ones(
    aws: Aws, bedrock: LocalBedrock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_throughput, "LOOK_BACK", 2)
    registry.register(builders.run(run_id="old-0000000003", base_model="qwen.qwen3-4b"))
    registry.note_engine("old-0000000003", "sagemaker-serverless")
    registry.save("old-0000000003", job=builders.job(model_arn=QWEN))
    registry.end("old-0000000003", "rejected", None)
    for number in range(3):
        registry.register(builders.run(run_id=f"new-{number}", created_at=f"2027-01-01T00:00:0{number}Z"))

    swept, _ = sweep(aws)

    assert "removed engine of old-0000000003" in swept.failed


class Topic:
    """SNS that refuses messages about one subject."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def publish(self, Subject: str, **_: Any) -> None:  # noqa: N803
        if "bad thing" in Subject:
            raise refusal("KMSAccessDeniedException")
        self.told.append(Subject)


def test_a_report_that_cannot_be_published_holds_up_no_other_and_is_itself_tried_later(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(troubles, "REPORT_AFTER", 1)
    aws.sns = topic = Topic()
    for subject in ("bad thing", "other thing"):
        Troubles(aws.dynamodb, stage.registry_table).note(subject, ValueError("it fails"))

    first, second = (sweep(aws)[0].failed for _ in range(2))

    about = [one for one in topic.told if "keeps failing" in one]
    assert about == [f"Tunedrop: {one} keeps failing" for one in ("other thing", "run persona-0000000001")]
    assert [one for one in first if one.startswith("report")] == ["report of bad thing"]
    assert [one for one in second if one.startswith("report")] == []  # it is not due yet
    monkeypatch.setattr(Troubles, "_is_due", lambda *_: True)
    assert "report of bad thing" in sweep(aws)[0].failed


def test_what_a_folders_run_has_read_is_no_dataset_since_the_stage_has_tenants(
    aws: Aws, registry: Registry, bedrock: LocalBedrock, intake: str
) -> None:
    """Before, all files below `drop/law/` were one dataset; now each is one by itself."""

    def put(key: str) -> S3Object:
        version = aws.s3.put_object(Bucket=intake, Key=key, Body=b"data")["VersionId"]
        return S3Object(bucket=intake, key=key, version_id=version)

    first, last = put("drop/law/0.jsonl"), put("drop/law/1.jsonl")
    files = msgspec.structs.replace(first, more=(last,))
    registry.register(builders.run(run_id="law-0123456789", name="law", source=last, train=files))
    replaced, late = put("drop/law/0.jsonl"), put("drop/law/2.jsonl")

    started = sweep(aws, tenants={"law": ()})[0].started

    assert sorted(one for one in started if "/law/" in one) == [replaced.uri, late.uri]
    versions = [one for one in aws.step_functions.started if first.version_id in one]
    assert versions == []


class Refused:
    """DynamoDB with very many large runs in its index, all refused; the table is moto's."""

    def __init__(self, dynamodb: Any, count: int, text: str) -> None:
        self._dynamodb, self._count, self._text = dynamodb, count, text
        self.read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "query"
        return self

    def paginate(self, **asked: Any) -> Any:
        if asked.get("IndexName") != "by_time":
            return self._dynamodb.get_paginator("query").paginate(**asked)
        return (
            {"Items": [self._item(start + at) for at in range(10)]} for start in range(0, self._count, 10)
        )

    def _item(self, number: int) -> dict[str, Any]:
        """As wide as it is, whatever is asked of it."""
        self.read += 1
        text, run_id = f"{number} {self._text}", f"large-{number:010}"
        run = builders.run(run_id=run_id, name=run_id, hyperparameters={"seed": text})
        failure = Failure(error="InvalidDataset", cause=text)
        return {
            "pk": {"S": f"RUN#{run_id}"},
            "run": {"S": msgspec.json.encode(run).decode()},
            "status": {"S": "refused"},
            "failure": {"S": msgspec.json.encode(failure).decode()},
        }


def test_a_turn_of_the_sweep_holds_none_of_very_many_large_records(aws: Aws, bedrock: LocalBedrock) -> None:
    """Whoever may upload can have a thousand of them, for nothing."""
    count, text = 300, "x" * 50_000
    assert sweep(aws)[0].released  # and imports all that a turn needs
    aws.dynamodb = refused = Refused(aws.dynamodb, count, text)

    tracemalloc.start()
    try:
        swept, _ = sweep(aws)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not [one for one in swept.failed if not one.startswith("run ")]
    assert refused.read >= count
    assert peak < count * len(text) / 2


def test_what_cannot_be_read_of_the_latest_runs_keeps_nothing_from_its_release(
    aws: Aws, bedrock: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Registry, "seen", fail)

    swept, _ = sweep(aws)

    assert len(swept.released) == 2
    assert "listing removed engines" in swept.failed

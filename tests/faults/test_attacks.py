"""A stage under attack: objects that cannot be read, places that start nothing, a quota that is full."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from local.driver import Inbox, Message, Pipeline, until
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop import naming
from tunedrop.contracts import CompletedJob
from tunedrop.registry import Record

SECONDS = 400.0
OWN_KEY = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": base64.b64encode(b"k" * 32).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode(),
}


@pytest.fixture(scope="module")
def healthy(pipeline: Pipeline) -> Record:
    """A run among the broken ones, and a model for the tests that need one."""
    for number, unreadable in enumerate((ssec, deleted)):
        unreadable(pipeline, f"drop/broken-{number}.jsonl")
    for key in ("runs/forgot/train.jsonl", "runs/nobody-0123456789/approve/1-0a", "elsewhere/a.jsonl"):
        pipeline.put(key, b"{}")
    return pipeline.finished(pipeline.drop("healthy", jsonl(single_turn("healthy"))), SECONDS)


def ssec(pipeline: Pipeline, key: str) -> None:
    """Encrypted by a key that only its uploader has."""
    pipeline.aws.s3.put_object(Bucket=pipeline.stage.intake_bucket, Key=key, Body=b"{}", **OWN_KEY)


def deleted(pipeline: Pipeline, key: str) -> None:
    """The version that was uploaded goes before anybody has read it."""
    version = pipeline.put(key, b"{}")
    pipeline.aws.s3.delete_object(Bucket=pipeline.stage.intake_bucket, Key=key, VersionId=version)


def test_what_cannot_be_read_ends_in_a_run_and_delays_no_other(
    embedded: Embedded, pipeline: Pipeline, healthy: Record, inbox: Inbox
) -> None:
    assert healthy.status == "promoted", healthy.failure
    for number in range(2):
        record = pipeline.finished(f"broken-{number}", SECONDS)
        assert record.status in ("refused", "failed"), record
        assert record.failure is not None


def test_what_starts_nothing_is_told_in_a_message(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    pipeline.put("runs/nothing/train.jsonl", b"{}")

    def told() -> Message | None:
        return next((one for one in inbox.all() if "runs/nothing/" in one.text), None)

    message = until(told, "a message about what starts nothing", SECONDS)
    assert message.attributes["event"] == "upload-starts-nothing"
    assert "run.yaml" in message.text


def test_a_run_queues_for_a_deployment_until_another_one_goes(
    embedded: Embedded, pipeline: Pipeline, healthy: Record
) -> None:
    bedrock, job = pipeline.aws.bedrock, healthy.document("job", CompletedJob)
    assert job is not None
    other = bedrock.create_custom_model_deployment(
        modelDeploymentName="somebody-elses", modelArn=job.model_arn, tags=naming.tags("another", "theirs"),
    )["customModelDeploymentArn"]  # fmt: skip
    until(lambda: _is_active(bedrock, other), "an active deployment", SECONDS)
    there = len(bedrock.list_custom_model_deployments()["modelDeploymentSummaries"])
    embedded.faults.set(quotas={"deployments": there})

    run_id = pipeline.run_named(pipeline.drop("queued", jsonl(single_turn("queued"))), SECONDS).run.run_id
    until(lambda: pipeline.waits.get(run_id, "deployment"), "a run that queues", SECONDS)
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=other)

    record = pipeline.closed(run_id, SECONDS)
    assert record.status == "promoted", record.failure


def _is_active(bedrock: Any, arn: str) -> bool | None:
    found = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    return found["status"] == "Active" or None

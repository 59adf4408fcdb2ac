"""No upload is lost: what nobody can read, what nobody may read for a while, what was dropped in bursts."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn

SECONDS = 300.0
KEY = b"k" * 32
OWN_KEY = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": base64.b64encode(KEY).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(KEY).digest()).decode(),
}


@contextmanager
def denied(pipeline: Pipeline, function: str, *actions: str) -> Iterator[None]:
    """A function's role without some permissions, for as long as the block lasts."""
    iam = pipeline.session.client("iam")
    arn = pipeline.session.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"]
    role = arn.rpartition("/")[2]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=role, PolicyName="broken", PolicyDocument=json.dumps(policy))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="broken")


@pytest.mark.parametrize("key", ["drop/poison.jsonl", "runs/poisoned/run.yaml"])
def test_an_upload_that_nobody_can_decrypt_ends_in_a_run(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, key: str
) -> None:
    bucket = pipeline.stage.intake_bucket
    answer = pipeline.aws.s3.put_object(Bucket=bucket, Key=key, Body=b"data: {train: t}", **OWN_KEY)
    name = "poison" if key.startswith("drop") else "poisoned"

    record = pipeline.closed(pipeline.run_of(name, answer["VersionId"], SECONDS).run.run_id, SECONDS)

    assert record.status in ("refused", "failed")
    assert [one.attributes["outcome"] for one in inbox.messages(record.run.run_id)] == [record.status]


@pytest.mark.parametrize("key", ["drop/foreign.jsonl", "runs/foreign-manifest/run.yaml"])
def test_an_upload_under_another_accounts_key_ends_in_a_run_that_names_the_permission(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, key: str
) -> None:
    embedded.set_pauses(0.01)
    theirs = {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:999999999999:key/theirs",
    }
    try:
        answer = pipeline.aws.s3.put_object(
            Bucket=pipeline.stage.intake_bucket, Key=key, Body=b"data: {train: t}", **theirs
        )
        name = "foreign" if key.startswith("drop") else "foreign-manifest"
        run_id = pipeline.run_of(name, answer["VersionId"], SECONDS).run.run_id
        record = pipeline.closed(run_id, SECONDS)
    finally:
        embedded.set_pauses(1)

    assert record.status in ("refused", "failed")
    assert record.failure is not None
    assert "kms:Decrypt" in record.failure.cause
    assert [one.attributes["outcome"] for one in inbox.messages(run_id)] == [record.status]


def test_an_upload_whose_registration_lacks_a_permission_is_registered_when_it_is_back(
    embedded: Embedded, pipeline: Pipeline
) -> None:
    with denied(pipeline, "tunedrop-local-register-run", "dynamodb:*"):
        version = pipeline.put("drop/patient.jsonl", jsonl(single_turn("patient")))
        until(lambda: _has_failed(pipeline), "a try that is denied", SECONDS)

    record = pipeline.closed(pipeline.run_of("patient", version, SECONDS).run.run_id, SECONDS)

    assert record.status == "promoted", record.failure


@pytest.mark.parametrize(
    ("function", "action"),
    [
        ("validate-data", "s3:PutObject"),
        ("start-customization", "bedrock:CreateModelCustomizationJob"),
        ("wait-for-completion", "bedrock:GetModelCustomizationJob"),
    ],
)
def test_a_permission_that_is_gone_for_good_ends_the_run_with_one_message(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, function: str, action: str
) -> None:
    embedded.set_pauses(0.01)
    try:
        with denied(pipeline, f"tunedrop-local-{function}", action):
            version = pipeline.put(f"drop/gone-{function}.jsonl", jsonl(single_turn("gone")))
            record = pipeline.run_of(f"gone-{function}", version, SECONDS)
            record = pipeline.closed(record.run.run_id, SECONDS)
    finally:
        embedded.set_pauses(1)

    assert (record.status, record.is_open) == ("failed", False)
    assert record.failure is not None
    assert "AccessDenied" in record.failure.cause
    (message,) = inbox.messages(record.run.run_id)
    assert message.attributes["outcome"] == "failed"


def _has_failed(pipeline: Pipeline) -> bool | None:
    """Whether an execution that still runs has seen its first state fail."""
    machine = pipeline.stage.workflow_arn
    running = pipeline.aws.step_functions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")[
        "executions"
    ]
    for one in running:
        history = pipeline.aws.step_functions.get_execution_history(executionArn=one["executionArn"])
        if any("PermissionMissing" in json.dumps(event, default=str) for event in history["events"]):
            return True
    return None

"""A stage under attack: objects that cannot be read, places that start nothing, full quotas, stolen roles."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.driver import Inbox, Message, Pipeline, until
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop import naming
from tunedrop.aws import code_of
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
    for number, unreadable in enumerate((ssec, deleted, foreign_key)):
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


def foreign_key(pipeline: Pipeline, key: str) -> None:
    """Under a KMS key of another account S3 answers AccessDenied to all who may not use it, for ever. The
    embedded KMS enforces no key policies: denied is the object itself."""
    bucket = pipeline.stage.intake_bucket
    policy = json.loads(pipeline.aws.s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"].append(
        {
            "Sid": "ForeignKey", "Effect": "Deny", "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": f"arn:aws:s3:::{bucket}/{key}",
        }
    )  # fmt: skip
    pipeline.aws.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    pipeline.put(key, b"{}")


def test_what_cannot_be_read_ends_in_a_run_and_delays_no_other(
    embedded: Embedded, pipeline: Pipeline, healthy: Record, inbox: Inbox
) -> None:
    assert healthy.status == "promoted", healthy.failure
    for number in range(3):
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


@pytest.fixture(scope="module")
def roles(pipeline: Pipeline) -> dict[str, boto3.Session]:
    """A session with the role of each function, as whoever runs code in it would have."""
    sessions = {}
    pages = pipeline.aws.lambda_.get_paginator("list_functions").paginate()
    for one in (one for page in pages for one in page["Functions"]):
        given = pipeline.session.client("sts").assume_role(RoleArn=one["Role"], RoleSessionName="attack")
        keys = given["Credentials"]
        sessions[one["FunctionName"]] = boto3.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], pipeline.stage.region
        )
    return sessions


def attacks(pipeline: Pipeline, session: boto3.Session, model: str) -> dict[str, Callable[[], Any]]:
    """What no function does: each is one call."""
    stage, s3, table = pipeline.stage, session.client("s3"), session.client("dynamodb")
    registry = {"TableName": stage.registry_table}
    row = {"pk": {"S": "RUN#forged-0123456789"}, "sk": {"S": "RUN"}}
    return {
        "forge an upload": lambda: s3.put_object(Bucket=stage.intake_bucket, Key="drop/forged.jsonl"),
        "forge an approval": lambda: s3.put_object(
            Bucket=stage.intake_bucket, Key="runs/forged-0123456789/approve/1-0a"
        ),
        "change what a job has written": lambda: s3.put_object(
            Bucket=stage.artifacts_bucket, Key="runs/forged-0123456789/training/metrics.csv"
        ),
        "read all rows": lambda: table.scan(**registry),
        "delete a run": lambda: table.delete_item(Key=row, **registry),
        "delete an alias' history": lambda: table.delete_item(
            Key=row | {"pk": {"S": "ALIAS#healthy"}}, **registry
        ),
        "write another stage's alias": lambda: session.client("ssm").put_parameter(
            Name="/tunedrop/prod/models/a", Value="x", Type="String"
        ),
        "change the stage": lambda: session.client("ssm").put_parameter(
            Name="/tunedrop/local/stage", Value="x", Type="String", Overwrite=True
        ),
        "delete another stage's model": lambda: session.client("bedrock").delete_custom_model(
            modelIdentifier=model
        ),
        "tag another stage's model": lambda: session.client("bedrock").tag_resource(
            resourceARN=model, tags=naming.tags("local", "mine")
        ),
        "become another role": lambda: session.client("iam").create_access_key(UserName="root"),
    }


@pytest.fixture
def theirs(pipeline: Pipeline, healthy: Record) -> Iterator[str]:
    """A model that carries another stage's tag, for a while."""
    job = healthy.document("job", CompletedJob)
    assert job is not None
    bedrock = pipeline.aws.bedrock
    bedrock.tag_resource(resourceARN=job.model_arn, tags=[{"key": naming.STAGE_TAG, "value": "another"}])
    yield job.model_arn
    bedrock.tag_resource(resourceARN=job.model_arn, tags=[{"key": naming.STAGE_TAG, "value": "local"}])


def test_whoever_has_a_functions_role_is_refused_what_no_function_does(
    embedded: Embedded, pipeline: Pipeline, roles: dict[str, boto3.Session], theirs: str
) -> None:
    done = []
    for function, session in roles.items():
        if function.endswith("empty-bucket"):
            continue  # it deletes what is in the buckets, when the stage is destroyed
        for name, attack in attacks(pipeline, session, theirs).items():
            try:
                attack()
            except ClientError as error:
                if code_of(error) in ("AccessDenied", "AccessDeniedException"):
                    continue
                done.append(f"{function}: {name}: {error}")
            else:
                done.append(f"{function} could {name}")

    assert done == []
    assert len(roles) > 15
    notify = roles["tunedrop-local-notify"].client("dynamodb")
    assert notify.get_item(
        TableName=pipeline.stage.registry_table, Key={"pk": {"S": "RUN#none"}, "sk": {"S": "RUN"}}
    )

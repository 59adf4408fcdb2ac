"""What somebody can do who has read a function's environment: its credentials, on the deployed stage.

`tests/infra/test_attackers.py` asks a policy evaluator; here the calls are made, and IAM answers.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from local.driver import Pipeline, until
from local.embedded import REGION, Embedded
from tests.datasets import jsonl, single_turn
from tests.neighbours import job_of_another_stage
from tunedrop import naming
from tunedrop.aws import is_forbidden
from tunedrop.contracts import CompletedJob, Promotion
from tunedrop.registry import Record

SECONDS = 400.0
FUNCTIONS = (
    "register-run", "validate-data", "validate-shard", "preflight", "estimate-cost", "start-customization",
    "wait-for-completion", "set-up-throughput", "evaluate-model", "evaluate-shard", "promote-model",
    "release-throughput", "notify", "resume-waits", "sweep-throughput", "refresh-prices", "record-notice",
    "grade-answers",
)  # fmt: skip
PRODUCTION = frozenset({"promote-model", "release-throughput", "sweep-throughput"})
RELEASES = frozenset({"release-throughput", "sweep-throughput"})
WAITS = frozenset({"wait-for-completion", "resume-waits"})
VALIDATES = frozenset({"validate-data", "validate-shard"})

Objects = Mapping[str, str]


class Attack(NamedTuple):
    """A call, and the functions whose step makes such calls, with which it is not tried."""

    service: str
    operation: str
    parameters: Callable[[Objects], dict[str, Any]]
    allowed: frozenset[str] = frozenset()


ATTACKS: dict[str, Attack] = {
    "forges what is in production": Attack(
        "dynamodb", "put_item",
        lambda at: {"TableName": at["registry"], "Item": {"pk": {"S": "ALIAS#victim"}, "sk": {"S": "9#me"}}},
        PRODUCTION,
    ),
    "claims what serves for good": Attack(
        "dynamodb", "put_item",
        lambda at: {
            "TableName": at["registry"],
            "Item": {"pk": {"S": f"ARN#{at['deployment']}"}, "sk": {"S": "CLAIM"}},
        },
        PRODUCTION,
    ),
    "deletes a run": Attack(
        "dynamodb", "delete_item",
        lambda at: {
            "TableName": at["registry"], "Key": {"pk": {"S": f"RUN#{at['run']}"}, "sk": {"S": "RUN"}}
        },
    ),
    "reads the whole registry": Attack("dynamodb", "scan", lambda at: {"TableName": at["registry"]}),
    "points the alias elsewhere": Attack(
        "ssm", "put_parameter",
        lambda at: {"Name": at["alias"], "Value": "mine", "Overwrite": True}, PRODUCTION,
    ),
    "rewrites the stage's description": Attack(
        "ssm", "put_parameter",
        lambda _: {"Name": "/tunedrop/local/stage", "Value": "{}", "Overwrite": True},
    ),
    "changes what is trained on": Attack(
        "s3", "put_object", lambda at: {"Bucket": at["artifacts"], "Key": at["dataset"]}, VALIDATES
    ),
    "deletes what was trained on": Attack(
        "s3", "delete_object", lambda at: {"Bucket": at["artifacts"], "Key": at["dataset"]}
    ),
    "approves": Attack(
        "s3", "put_object",
        lambda at: {"Bucket": at["intake"], "Key": f"runs/{at['run']}/approve/1-0123456789"},
    ),
    "uploads a dataset": Attack(
        "s3", "put_object", lambda at: {"Bucket": at["intake"], "Key": "drop/forged.jsonl"}
    ),
    "reads the deployment's assets": Attack("s3", "list_objects_v2", lambda at: {"Bucket": at["assets"]}),
    "takes the model out of service": Attack(
        "bedrock", "delete_custom_model_deployment",
        lambda at: {"customModelDeploymentIdentifier": at["deployment"]}, RELEASES,
    ),
    "deletes the model": Attack(
        "bedrock", "delete_custom_model", lambda at: {"modelIdentifier": at["model"]}, RELEASES
    ),
    "deletes another stage's model": Attack(
        "bedrock", "delete_custom_model", lambda at: {"modelIdentifier": at["theirs"]}
    ),
    "makes another stage's model ours": Attack(
        "bedrock", "tag_resource",
        lambda at: {"resourceARN": at["theirs"], "tags": [{"key": naming.STAGE_TAG, "value": "local"}]},
    ),
    "takes the tags away": Attack(
        "bedrock", "untag_resource",
        lambda at: {"resourceARN": at["deployment"], "tagKeys": [naming.STAGE_TAG]},
    ),
    "buys throughput for another stage": Attack(
        "bedrock", "create_provisioned_model_throughput",
        lambda at: {
            "provisionedModelName": "mine", "modelId": at["model"], "modelUnits": 1,
            "tags": [{"key": naming.STAGE_TAG, "value": "theirs"}],
        },
    ),
    "answers somebody's wait": Attack(
        "stepfunctions", "send_task_success", lambda _: {"taskToken": "x" * 40, "output": "{}"}, WAITS
    ),
    "starts the workflow": Attack(
        "stepfunctions", "start_execution", lambda at: {"stateMachineArn": at["workflow"], "input": "{}"},
        frozenset({"sweep-throughput"}),
    ),
    "ends somebody's execution": Attack(
        "stepfunctions", "stop_execution", lambda at: {"executionArn": at["execution"]}
    ),
    "tells people lies": Attack(
        "sns", "publish", lambda at: {"TopicArn": at["topic"], "Message": "lie"},
        WAITS | {"notify", "sweep-throughput", "refresh-prices"},
    ),
    "becomes another function": Attack(
        "sts", "assume_role", lambda at: {"RoleArn": at["role"], "RoleSessionName": "attacker"}
    ),
    "gives itself more": Attack(
        "iam", "put_role_policy",
        lambda at: {
            "RoleName": at["role"].rpartition("/")[2], "PolicyName": "x",
            "PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": []}),
        },
    ),
    "changes a function": Attack(
        "lambda", "update_function_code", lambda at: {"FunctionName": at["function"], "ZipFile": b"PK"}
    ),
    "calls a function": Attack("lambda", "invoke", lambda at: {"FunctionName": at["function"]}),
    "uses the key past S3": Attack("kms", "encrypt", lambda at: {"KeyId": at["key"], "Plaintext": b"x"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def at(embedded: Embedded, pipeline: Pipeline) -> Iterator[dict[str, str]]:
    """Everything that there is to attack: a model in production, and another stage's."""
    aws, stage = pipeline.aws, pipeline.stage
    record = pipeline.finished(pipeline.drop("victim", jsonl(single_turn("victim"))), SECONDS)
    job, promotion = record.document("job", CompletedJob), record.document("promotion", Promotion)
    assert job is not None
    assert promotion is not None, record.failure
    theirs = another_stages(pipeline, record)
    dataset = f"runs/{record.run.run_id}/dataset/train.jsonl"
    kept = aws.s3.head_object(Bucket=stage.artifacts_bucket, Key=dataset)
    configuration = aws.lambda_.get_function_configuration(FunctionName="tunedrop-local-promote-model")
    found = {
        "registry": stage.registry_table, "artifacts": stage.artifacts_bucket, "intake": stage.intake_bucket,
        "topic": stage.topic_arn, "workflow": stage.workflow_arn, "run": record.run.run_id,
        "execution": record.run.execution_arn, "alias": promotion.alias, "deployment": promotion.model_id,
        "model": job.model_arn, "theirs": theirs, "role": configuration["Role"],
        "assets": f"cdk-hnb659fds-assets-000000000000-{REGION}",
        "key": kept.get("SSEKMSKeyId", "alias/none"),
        "dataset": dataset, "function": "tunedrop-local-promote-model",
    }  # fmt: skip
    yield found
    aws.bedrock.delete_custom_model(modelIdentifier=theirs)


def another_stages(pipeline: Pipeline, record: Record) -> str:
    """A model whose tag is another stage's."""
    job = job_of_another_stage(pipeline, record, f"theirs-{secrets.token_hex(4)}", "theirs")

    def look() -> str | None:
        found = pipeline.aws.bedrock.get_model_customization_job(jobIdentifier=job)
        return str(found["outputModelArn"]) if found["status"] == "Completed" else None

    return until(look, "another stage's model", SECONDS)


def stolen(embedded: Embedded, pipeline: Pipeline, function: str) -> boto3.Session:
    """A session with the credentials in the environment of a process that runs the function."""
    name = f"tunedrop-{pipeline.stage.name}-{function}"

    def look() -> dict[str, str] | None:
        with ThreadPoolExecutor(1) as pool:  # a process may end with its call
            call = pool.submit(pipeline.aws.lambda_.invoke, FunctionName=name, Payload=b"{}")
            while not (found := environment_of(name, embedded)) and not call.done():
                time.sleep(0.05)
        return found

    found = environment_of(name, embedded) or until(look, f"a process of {name}", SECONDS)
    return boto3.Session(
        found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"], REGION
    )


def environment_of(function: str, embedded: Embedded) -> dict[str, str] | None:
    """What a process of a function has in its environment; None where none runs."""
    for one in (embedded.state / "tmp").glob(f"ministack-lambda-{function}-*/environment.json"):
        with suppress(OSError, ValueError):  # it begins or ends just now
            found: dict[str, str] = json.loads(one.read_text())
            return found
    return None


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no fork server there (local.ministack.processes)")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_credentials_of_a_function_do_its_step_and_nothing_else(
    embedded: Embedded, pipeline: Pipeline, at: dict[str, str], function: str
) -> None:
    session = stolen(embedded, pipeline, function)
    assert f"tunedrop-local-{function}" in session.client("sts").get_caller_identity()["Arn"]

    got_through = {}
    for name, attack in ATTACKS.items():
        if function in attack.allowed:
            continue
        try:
            getattr(session.client(attack.service), attack.operation)(**attack.parameters(at))
        except ClientError as error:
            if is_forbidden(error):
                continue
            got_through[name] = str(error)
        else:
            got_through[name] = "done"
    assert got_through == {}


def test_nobody_can_become_a_function(embedded: Embedded, pipeline: Pipeline, at: dict[str, str]) -> None:
    """Its role trusts Lambda alone."""
    role = pipeline.aws.iam.get_role(RoleName=at["role"].rpartition("/")[2])["Role"]

    assert [one["Principal"] for one in role["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "lambda.amazonaws.com"}
    ]

"""Every action of every statement of a function is one that its step needs, by a table held by hand.

`test_attackers.py` fails when a policy is too wide; this fails when it is too narrow, and when a statement is
there that nothing needs: each action that is taken away refuses a call of the table, and no call is granted
by two statements.
"""

from __future__ import annotations

from typing import Any

import pytest
from ministack.core.iam_evaluator import parse_policy_document

from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list
from tests.infra.test_attackers import (
    ALIAS,
    ALLOWED,
    BASE,
    DEPLOYMENT,
    EVALUATION,
    INTAKE,
    JOB,
    MODEL,
    OURS,
    RUN_FILE,
    RUNS,
    STAGE,
    THROUGHPUT,
    TO_BEDROCK,
    WAITS,
    Call,
    functions_statements,
    is_allowed,
    item,
    tagging,
)

SHARD_FILE = "arn:aws:s3:::<Artifacts>/shards/support-0123456789/check/1/train.report"
ARTIFACTS = "arn:aws:s3:::<Artifacts>"
KEY, TOPIC, DEAD_LETTERS = "<EncryptionKey>", "<Topic>", "<DeadLetters>"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tunedrop-{STAGE}"
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.amazon.nova-pro-v1:0"
# Of a `global.` profile: the resource that a refusal names (aws-samples/sample-badgers, issue 33).
ANYWHERE = "arn:aws:bedrock:::foundation-model/anthropic.claude-opus-4-6-v1"
ALIASES = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/{STAGE}/models"


def via(service: str) -> dict[str, str]:
    return {"kms:viaservice": f"{service}.{REGION}.amazonaws.com"}


def key(action: str, service: str) -> Call:
    return Call(f"kms:{action}", KEY, via(service))


OF_ITS_PROCESS = (
    Call("logs:CreateLogStream", "<Logs>"),
    Call("logs:PutLogEvents", "<Logs>"),
    Call("xray:PutTraceSegments", "*"),
    Call("xray:PutTelemetryRecords", "*"),
)
OF_THE_REGISTRY = (
    Call("dynamodb:GetItem", RUNS),
    Call("dynamodb:Query", RUNS),
    Call("dynamodb:Query", f"{RUNS}/index/by_time"),
    item("PutItem", "RUN#support-0123456789"),
    item("UpdateItem", "RUN#support-0123456789"),
    # What DynamoDB asks of a table's users (developer guide, encryption.usagenotes).
    *(
        key(action, "dynamodb")
        for action in ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    ),
)
DYING_LETTERS = (Call("sqs:SendMessage", DEAD_LETTERS),)
UPLOADS = (
    Call("s3:GetObject", f"{INTAKE}/drop/train.jsonl"),
    Call("s3:GetObjectVersion", f"{INTAKE}/drop/train.jsonl"),
    Call("s3:ListBucket", INTAKE, {"s3:prefix": "drop/"}),
)
RUN_FILES = (
    Call("s3:GetObject", f"{RUN_FILE}/dataset/train.jsonl"),
    Call("s3:ListBucket", ARTIFACTS, {"s3:prefix": "runs/support-0123456789/"}),
    Call("s3:ListBucket", ARTIFACTS),  # as of a GetObject, so that S3 says that an object is missing
)
SHARD_FILES = (
    Call("s3:GetObject", SHARD_FILE),
    Call("s3:PutObject", SHARD_FILE),
    Call("s3:ListBucket", ARTIFACTS, {"s3:prefix": "shards/support-0123456789/"}),
)
IN_PARTS = tuple(
    Call("s3:AbortMultipartUpload", file) for file in (f"{RUN_FILE}/dataset/train.jsonl", SHARD_FILE)
)
PARKED = tuple(
    Call(f"dynamodb:{action}", WAITS) for action in ("GetItem", "PutItem", "DeleteItem", "Query")
) + tuple(Call("dynamodb:Query", f"{WAITS}/index/{name}") for name in ("by_kind", "by_subject"))
READ_JOB = (Call("bedrock:GetModelCustomizationJob", JOB),)
READ_MODEL = (Call("bedrock:GetCustomModel", MODEL),)
LIST_JOBS = (Call("bedrock:ListModelCustomizationJobs", "*"),)
LIST_SERVING = (
    Call("bedrock:ListCustomModelDeployments", "*"),
    Call("bedrock:ListProvisionedModelThroughputs", "*"),
)
READ_SERVING = (
    Call("bedrock:GetCustomModelDeployment", DEPLOYMENT),
    Call("bedrock:GetProvisionedModelThroughput", THROUGHPUT),
)
JUDGING = (Call("bedrock:GetEvaluationJob", EVALUATION), Call("bedrock:ListEvaluationJobs", "*"))
READ_ALIAS = (Call("ssm:GetParameter", ALIAS),)
LIST_ALIASES = (Call("ssm:GetParametersByPath", ALIASES), Call("ssm:GetParametersByPath", f"{ALIASES}/"))
TELL = (Call("sns:Publish", TOPIC),)
SETTLE = (
    Call("states:SendTaskSuccess", "*"),
    Call("states:SendTaskFailure", "*"),
    *PARKED, *READ_JOB, *LIST_JOBS, LIST_SERVING[0], *READ_SERVING, JUDGING[0], *TELL,
    Call("s3:ListBucket", INTAKE, {"s3:prefix": "runs/support-0123456789/approve/1-0"}),
    item("DeleteItem", "TROUBLE"),
)  # fmt: skip
SWAP = (
    Call("bedrock:UpdateCustomModelDeployment", DEPLOYMENT, OURS),
    Call("bedrock:UpdateProvisionedModelThroughput", THROUGHPUT, OURS),
    *(
        Call("bedrock:TagResource", one, OURS | tagging("", "tunedrop:run", "tunedrop:expires"))
        for one in (DEPLOYMENT, THROUGHPUT)
    ),
    # Both name the new model too (Service Authorization Reference, Amazon Bedrock, read 2026-11-29).
    Call("bedrock:UpdateCustomModelDeployment", MODEL, OURS),
    Call("bedrock:UpdateProvisionedModelThroughput", MODEL, OURS),
)
PROMOTE = (
    *READ_ALIAS, Call("ssm:PutParameter", ALIAS), Call("ssm:DeleteParameter", ALIAS), *READ_SERVING, *SWAP,
    *(Call("bedrock:ListTagsForResource", one, OURS) for one in (DEPLOYMENT, THROUGHPUT)),
)  # fmt: skip
END = (
    *PROMOTE, *READ_MODEL, *LIST_JOBS, JUDGING[1],
    *LIST_ALIASES,
    *(Call("bedrock:ListTagsForResource", one, OURS) for one in (JOB, EVALUATION)),
)  # fmt: skip
INVOKED = (BASE, ANYWHERE, PROFILE, DEPLOYMENT, THROUGHPUT)
INVOKE = tuple(Call("bedrock:InvokeModel", one) for one in INVOKED)
CLOSE = (
    *RUN_FILES, *TELL,
    Call("s3:GetObject", SHARD_FILE),
    Call("s3:PutObject", f"{RUN_FILE}/summary.md"),
    Call("s3:PutObject", f"{RUN_FILE}/report.html"),
    Call("s3:PutObject", f"{RUN_FILE}/findings.html"),
    Call("s3:PutObject", f"{RUN_FILE}/model-card.md"),
    Call("s3:PutObject", f"{ARTIFACTS}/index.html"),
    Call("s3:GetObject", f"{ARTIFACTS}/index.html"),  # by If-Match
    Call("s3:ListBucket", ARTIFACTS, {"s3:prefix": "index.html"}),
    Call("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"),
)  # fmt: skip

IMPORTED, IMPORT = (
    f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{kind}/abcdefghij12"
    for kind in ("imported-model", "model-import-job")
)
OF_REMOVED_ENGINES = (
    Call("bedrock:ListImportedModels", "*"),
    Call("bedrock:ListModelImportJobs", "*"),
    Call("bedrock:GetModelImportJob", IMPORT),
    Call("bedrock:GetImportedModel", IMPORTED),
    Call("bedrock:ListTagsForResource", IMPORTED, OURS),
    Call("bedrock:ListTagsForResource", IMPORT, OURS),
    Call("bedrock:DeleteImportedModel", IMPORTED, OURS),
)
"""What serves models goes also where the settings no longer list the engine that made them."""

NEEDS: dict[str, tuple[Call, ...]] = {
    "RegisterRun": (*UPLOADS, *READ_JOB, *READ_MODEL),
    "ValidateData": (*UPLOADS, *RUN_FILES, *SHARD_FILES, *IN_PARTS),
    "ValidateShard": (*UPLOADS, *RUN_FILES, *SHARD_FILES, *IN_PARTS),
    "Preflight": (
        *RUN_FILES, *READ_JOB, *READ_MODEL, *LIST_SERVING,
        Call("bedrock:GetFoundationModel", BASE),
        Call("bedrock:GetFoundationModelAvailability", "*"),
        Call("bedrock:ListCustomModels", "*"),
        Call("servicequotas:ListServiceQuotas", "*"),
        Call("servicequotas:ListAWSDefaultServiceQuotas", "*"),
        Call("iam:SimulatePrincipalPolicy", "<BedrockRole>"),
        Call("iam:SimulatePrincipalPolicy", "<EvaluationRole>"),
        Call("lambda:InvokeFunction", f"{FUNCTION}-grade-answers"),
    ),
    "EstimateCost": (*READ_ALIAS, *RUN_FILES),
    "StartCustomization": (
        *READ_JOB, *LIST_JOBS, *PARKED,
        Call("iam:PassRole", "<BedrockRole>", TO_BEDROCK),
        key("CreateGrant", "bedrock"),
    ),
    "WaitForCompletion": SETTLE,
    "SetUpThroughput": (
        *READ_SERVING, LIST_SERVING[0], *PARKED, *READ_ALIAS, *RUN_FILES, key("CreateGrant", "bedrock"),
    ),
    "EvaluateModel": (
        *RUN_FILES, *SHARD_FILES, *READ_ALIAS, *READ_SERVING, *JUDGING, *INVOKE,
        Call("s3:PutObject", f"{RUN_FILE}/evaluation.json"),
        Call("lambda:InvokeFunction", f"{FUNCTION}-grade-answers"),
        Call("bedrock:CreateEvaluationJob", PROFILE, tagging(STAGE)),
        Call("iam:PassRole", "<EvaluationRole>", TO_BEDROCK),
    ),
    "EvaluateShard": (*RUN_FILES, *SHARD_FILES, *READ_ALIAS, *INVOKE),
    "PromoteModel": (*PROMOTE, *RUN_FILES),
    "ReleaseThroughput": END,
    "Notify": (*CLOSE, *LIST_ALIASES),
    "ResumeWaits": (*SETTLE, *DYING_LETTERS),
    "SweepThroughput": (
        *END, *LIST_SERVING, *CLOSE, *UPLOADS, *PARKED, *DYING_LETTERS,
        *OF_REMOVED_ENGINES,
        Call("cloudwatch:GetMetricData", "*"),
        Call("bedrock:GetFoundationModel", BASE),
        Call("ssm:DeleteParameter", ALIAS),
        Call("states:DescribeExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:execution:tunedrop-{STAGE}:1"),
    ),
    "RefreshPrices": (Call("pricing:GetProducts", "*"), *TELL, *DYING_LETTERS),
    "RecordNotice": DYING_LETTERS,
}  # fmt: skip
"""What each step calls beside what `ALLOWED` names and what all functions do."""


@pytest.fixture(scope="module")
def statements(resources: Resources) -> dict[str, list[dict[str, Any]]]:
    return functions_statements(resources)


def needs(function: str) -> tuple[Call, ...]:
    return (*OF_ITS_PROCESS, *OF_THE_REGISTRY, *ALLOWED[function], *NEEDS[function])


def refused(statements: list[dict[str, Any]], calls: tuple[Call, ...]) -> list[Call]:
    parsed = {"": [parse_policy_document(_document(one)) for one in statements]}
    return [call for call in calls if not is_allowed(parsed, "", call)]


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def without(statements: list[dict[str, Any]], at: int, action: str) -> list[dict[str, Any]]:
    """The statements, of which one allows an action less."""
    left = [one for one in as_list(statements[at]["Action"]) if one != action]
    changed = [{**statements[at], "Action": left}] if left else []
    return [*statements[:at], *changed, *statements[at + 1 :]]


@pytest.mark.parametrize("function", NEEDS)
def test_a_function_may_call_what_its_step_needs(
    statements: dict[str, list[dict[str, Any]]], function: str
) -> None:
    assert refused(statements[function], needs(function)) == []


@pytest.mark.parametrize("function", NEEDS)
def test_each_action_that_is_taken_away_stops_the_step(
    statements: dict[str, list[dict[str, Any]]], function: str
) -> None:
    mine = statements[function]
    unneeded = [
        f"{action} of {one.get('Sid', one['Resource'])}"
        for at, one in enumerate(mine)
        for action in as_list(one["Action"])
        if not refused(without(mine, at, action), needs(function))
    ]

    assert unneeded == []


@pytest.mark.parametrize("function", NEEDS)
def test_each_resource_that_is_taken_away_stops_the_step(
    statements: dict[str, list[dict[str, Any]]], function: str
) -> None:
    mine = statements[function]
    unneeded = [
        f"{one.get('Sid')} on {resource}"
        for at, one in enumerate(mine)
        if len(one["Resource"]) > 1
        for resource in one["Resource"]
        if not refused(
            [*mine[:at], {**one, "Resource": [r for r in one["Resource"] if r != resource]}, *mine[at + 1 :]],
            needs(function),
        )
    ]

    assert unneeded == []


@pytest.mark.parametrize("function", NEEDS)
def test_no_call_is_granted_twice(statements: dict[str, list[dict[str, Any]]], function: str) -> None:
    twice = [
        call
        for call in needs(function)
        if sum(not refused([one], (call,)) for one in statements[function]) != 1
    ]

    assert twice == []


def test_every_function_is_in_the_table(statements: dict[str, list[dict[str, Any]]]) -> None:
    assert set(statements) - {"GradeAnswers", "EmptyBucket"} == set(NEEDS)

"""Who may use the stage's KMS key for what, by what AWS's pages say of each service.

| who calls KMS | for | with the rights of |
| --- | --- | --- |
| S3, DynamoDB, SNS | functions' data | the function |
| Bedrock | the model that a job makes | who starts the job, and the job's role |
| Bedrock | invoking a tuned model | the caller |
| Bedrock, SageMaker | the jobs' data in S3 | the job's role |
| SageMaker | the weights that a job leaves | the job's role |
| CloudWatch, AWS Budgets | alarms and budgets on the encrypted topic | the service itself |
| Bedrock | provisioned throughput of a tuned Nova model | the service itself |

CloudWatch Logs, EventBridge, Step Functions, SQS and the functions' environments use AWS's own keys
(`test_nothing_else_is_under_the_key`).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate,
    evaluate_resource_policy,
    parse_policy_document,
)

from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list, synthesize
from tests.infra.test_authorization import ENGINES

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/ours"


@pytest.fixture(scope="module")
def widest(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """A stage with every engine."""
    return Resources(synthesize(tmp_path_factory.mktemp("keys"), "local", engines=ENGINES))


USES_OF_THE_KEY = {
    "s3:GetObject": ("s3", {"kms:Decrypt"}),
    "s3:PutObject": ("s3", {"kms:GenerateDataKey", "kms:Decrypt"}),  # the second for uploads in parts
    "sns:Publish": ("sns", {"kms:GenerateDataKey", "kms:Decrypt"}),
    "dynamodb:GetItem": ("dynamodb", {"kms:Decrypt"}),
    "dynamodb:PutItem": ("dynamodb", {"kms:Decrypt"}),
    "dynamodb:UpdateItem": ("dynamodb", {"kms:Decrypt"}),
    "dynamodb:Query": ("dynamodb", {"kms:Decrypt"}),
}
"""What a call about encrypted data asks of the key (S3 user guide, UsingKMSEncryption; SNS developer guide,
sns-key-management; DynamoDB developer guide, encryption.usagenotes; read 2026-11-29)."""


def test_every_role_that_reads_or_writes_what_is_encrypted_may_use_the_key(resources: Resources) -> None:
    by_role: dict[str, list[dict[str, Any]]] = {}
    for policy in resources.policies().values():
        for role in policy.get("Roles", ()):
            by_role.setdefault(str(role), []).extend(policy["PolicyDocument"]["Statement"])

    missing, asked = [], 0
    for role, statements in by_role.items():
        for action, (service, uses) in USES_OF_THE_KEY.items():
            if not any(action in as_list(one["Action"]) and one["Effect"] == "Allow" for one in statements):
                continue
            via = f"{service}.{REGION}.amazonaws.com"
            granted = {
                use for one in statements for use in as_list(one["Action"])
                if via in as_list(one.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", []))
            }  # fmt: skip
            asked += 1
            missing += [(role, action, use) for use in sorted(uses - granted)]

    assert asked > 40
    assert missing == []


MODEL_KEY = {"CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"}
"""Of who has a model made under a key, and of its job's role (Bedrock user guide, encryption-custom-job,
PermissionsEncryptDecryptModel, and import-model-using-cmk; Nova user guide, customize-fine-tune-encrypt;
read 2026-11-30)."""

NEEDED: dict[str, dict[str, set[str]]] = {
    "FunctionsStartCustomizationRole": {"bedrock": MODEL_KEY},
    "FunctionsSetUpThroughputRole": {"bedrock": MODEL_KEY},
    "FunctionsEvaluateModelRole": {"bedrock": {"Decrypt"}},
    "FunctionsEvaluateShardRole": {"bedrock": {"Decrypt"}},
    "BedrockRole": {"s3": {"Decrypt", "GenerateDataKey"}, "bedrock": MODEL_KEY},
    "EvaluationRole": {"s3": {"Decrypt", "GenerateDataKey"}},
    "ImportJobsRole": {"s3": {"Decrypt"}},
    # SageMaker AI developer guide, sagemaker-roles, on CreateTrainingJob: kms:Decrypt of the input, and
    # kms:Encrypt with the key of the output; API reference, OutputDataConfig (read 2026-11-30).
    "TrainingSagemakerServerless": {"s3": {"Decrypt", "GenerateDataKey"}, "": {"Encrypt"}},
    "TrainingSagemakerJumpstart": {"s3": {"Decrypt", "GenerateDataKey"}, "": {"Encrypt"}},
}
"""By role and by the service that calls KMS, its actions on the key; an empty service is no condition."""


@pytest.mark.parametrize("role", NEEDED)
def test_a_role_may_use_the_key_for_what_the_pages_of_its_service_say(widest: Resources, role: str) -> None:
    granted = [
        parse_policy_document({"Version": "2012-10-17", "Statement": [{**one, "Resource": KEY}]})
        for policy, one in widest.statements()
        if policy.startswith(role) and all(use.startswith("kms:") for use in as_list(one["Action"]))
    ]

    def may(service: str, use: str) -> bool:
        via = {"kms:viaservice": f"{service}.{REGION}.amazonaws.com"} if service else {}
        return evaluate(_call(f"kms:{use}", via), granted).decision == "Allow"

    assert granted
    assert [(via, use) for via, uses in NEEDED[role].items() for use in uses if not may(via, use)] == []
    assert not may("ec2", "Decrypt")


OF_MODELS = {"kms:encryptioncontextkeys": ["aws:bedrock:custom-model"]}
OURS, THEIRS = {"aws:sourceaccount": ACCOUNT}, {"aws:sourceaccount": "999999999999"}


@pytest.mark.parametrize(
    ("service", "context", "is_allowed"),
    [
        # Both send aws:SourceAccount to KMS: SNS developer guide, sns-key-management, step 3, but not
        # EventBridge; AWS's own construct for alarms has the condition (aws/modern-data-architecture-
        # accelerator, grantCloudWatchAlarmsTopicAccess; read 2026-11-30).
        ("cloudwatch.amazonaws.com", OURS, True),
        ("cloudwatch.amazonaws.com", THEIRS, False),
        ("budgets.amazonaws.com", OURS, True),
        ("bedrock.amazonaws.com", OF_MODELS, True),
        ("bedrock.amazonaws.com", OURS, False),
        ("events.amazonaws.com", OURS, False),
    ],
)
def test_a_service_of_its_own_may_use_the_key_for_what_it_does_here(
    widest: Resources, service: str, context: dict[str, Any], is_allowed: bool
) -> None:
    (key,) = widest.of("AWS::KMS::Key").values()
    policy = json.dumps(key["KeyPolicy"]).replace('{"Fn::Join"', '{"AWS::Join"')
    for use in ("Decrypt", "GenerateDataKey"):
        found = evaluate_resource_policy(policy, _call(f"kms:{use}", context), service=service)
        assert (found.decision == "Allow") == is_allowed


def test_nothing_else_is_under_the_key(widest: Resources) -> None:
    """Whatever is put under it needs a row in the table above, and somebody who may use it."""
    users = {
        resource["Type"]
        for resource in widest.template["Resources"].values()
        if "EncryptionKey" in json.dumps(resource["Properties"])
    }
    assert users - {"AWS::IAM::ManagedPolicy"} == {
        "AWS::DynamoDB::GlobalTable", "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::S3::Bucket",
        "AWS::SNS::Topic", "AWS::SSM::Parameter",
    }  # fmt: skip
    named = {name for one in widest.of("AWS::Lambda::Function").values() for name in one} | {
        name for one in widest.of("AWS::Logs::LogGroup").values() for name in one
    }
    assert not named & {"KmsKeyArn", "KmsKeyId"}


def _call(action: str, context: dict[str, Any]) -> EvalContext:
    return EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/role/session",
        principal_type="AssumedRole", principal_account=ACCOUNT, action=action, resource_arn=KEY,
        region=REGION, service_context=dict(context),
    )  # fmt: skip

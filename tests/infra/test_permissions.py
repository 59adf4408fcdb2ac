from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list, synthesize
from tests.infra.test_authorization import ENGINES, EVERYTHING, action_of

WITHOUT_RESOURCE = {
    "xray:PutTraceSegments": "X-Ray has no resource for sending traces",
    "xray:PutTelemetryRecords": "X-Ray has no resource for sending traces",
    "xray:GetSamplingRules": "X-Ray has no resource for its sampling rules",
    "xray:GetSamplingTargets": "X-Ray has no resource for its sampling rules",
    "logs:CreateLogDelivery": "log deliveries have no resource (Step Functions guide, cw-logs)",
    "logs:GetLogDelivery": "see CreateLogDelivery",
    "logs:UpdateLogDelivery": "see CreateLogDelivery",
    "logs:DeleteLogDelivery": "see CreateLogDelivery",
    "logs:ListLogDeliveries": "see CreateLogDelivery",
    "logs:PutResourcePolicy": "see CreateLogDelivery",
    "logs:DescribeResourcePolicies": "see CreateLogDelivery",
    "logs:DescribeLogGroups": "see CreateLogDelivery",
    "bedrock:ListModelCustomizationJobs": "Bedrock's list operations take no resource",
    "bedrock:ListCustomModelDeployments": "Bedrock's list operations take no resource",
    "bedrock:ListProvisionedModelThroughputs": "Bedrock's list operations take no resource",
    "bedrock:ListEvaluationJobs": "Bedrock's list operations take no resource",
    "bedrock:ListCustomModels": "Bedrock's list operations take no resource",
    "bedrock:ListImportedModels": "Bedrock's list operations take no resource",
    "bedrock:ListModelImportJobs": "Bedrock's list operations take no resource",
    "servicequotas:ListAWSDefaultServiceQuotas": "the reference gives it no resource type",
    "servicequotas:ListServiceQuotas": "the reference gives it no resource type",
    "cloudwatch:GetMetricData": "the reference gives it no resource type",
    "pricing:GetProducts": "the price list is public; the reference gives it no resource type",
    "bedrock:GetFoundationModelAvailability": "the reference gives it no resource type",
    "states:SendTaskSuccess": "the task token names the one task, and is a secret",
    "states:SendTaskFailure": "the task token names the one task, and is a secret",
}
"""Every action that is allowed on `*`, and why. An action that is not here, or not used, fails the test."""


def statements_with(resources: Resources, action: str) -> list[dict[str, Any]]:
    return [one for _, one in resources.statements() if action in as_list(one["Action"])]


def test_only_actions_that_take_no_resource_are_allowed_on_all(resources: Resources) -> None:
    on_all = {
        action
        for _, statement in resources.statements()
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }

    assert on_all == set(WITHOUT_RESOURCE)


def test_no_policy_allows_a_family_of_actions(resources: Resources) -> None:
    families = [
        action
        for _, statement in resources.statements()
        for action in as_list(statement["Action"])
        if "*" in action
    ]

    assert families == []


def test_no_role_has_a_managed_policy(resources: Resources) -> None:
    assert [role for role in resources.of("AWS::IAM::Role").values() if "ManagedPolicyArns" in role] == []


@pytest.mark.parametrize(
    ("function", "role"), [("StartCustomization", "BedrockRole"), ("EvaluateModel", "EvaluationRole")]
)
def test_who_starts_a_job_may_pass_its_role_and_only_to_bedrock(
    resources: Resources, function: str, role: str
) -> None:
    passing = [
        statement
        for policy, statement in resources.statements()
        if policy.startswith(f"Functions{function}Role") and "iam:PassRole" in as_list(statement["Action"])
    ]

    (statement,) = passing
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    assert statement["Resource"]["Fn::GetAtt"][0].startswith(role)


def test_nobody_else_passes_a_role(resources: Resources) -> None:
    assert len(statements_with(resources, "iam:PassRole")) == 2


@pytest.mark.parametrize(
    ("id_", "jobs"), [("BedrockRole", "model-customization-job"), ("EvaluationRole", "evaluation-job")]
)
def test_bedrock_assumes_its_roles_for_this_accounts_own_jobs_only(
    resources: Resources, id_: str, jobs: str
) -> None:
    (role,) = (role for name, role in resources.of("AWS::IAM::Role").items() if name.startswith(id_))

    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{jobs}/*"},
    }


def test_functions_that_read_objects_may_list_the_bucket_to_tell_missing_from_forbidden(
    resources: Resources,
) -> None:
    """S3 says 404 only to who may list the bucket (S3 API reference, GetObject); a condition on the prefix is
    not met by a GetObject, which has none."""
    reading: dict[str, set[str]] = {}
    listing: dict[str, set[str]] = {}
    for policy, statement in resources.statements():
        if not policy.startswith("Functions"):
            continue
        names = {id_ for id_ in resources.of("AWS::S3::Bucket") if id_ in str(statement["Resource"])}
        if "s3:GetObject" in as_list(statement["Action"]):
            reading.setdefault(policy, set()).update(names)
        if "s3:ListBucket" in as_list(statement["Action"]) and "Condition" not in statement:
            listing.setdefault(policy, set()).update(names)

    assert len(reading) > 8
    assert {policy: names - listing.get(policy, set()) for policy, names in reading.items()} == {
        policy: set() for policy in reading
    }


@pytest.mark.parametrize("role", ["BedrockRole", "EvaluationRole"])
def test_bedrock_may_look_for_the_bucket_as_its_guide_grants_it(resources: Resources, role: str) -> None:
    """Without a condition on the prefix, which a HeadBucket does not have (user guide,
    model-customization-code-samples and judge-service-roles)."""
    (statement,) = (
        statement
        for policy, statement in resources.statements()
        if policy.startswith(role) and "s3:ListBucket" in as_list(statement["Action"])
    )

    assert "Condition" not in statement


def test_every_use_of_the_key_is_by_way_of_a_service(resources: Resources) -> None:
    uses = [
        statement
        for _, statement in resources.statements()
        if any(action.startswith("kms:") for action in as_list(statement["Action"]))
    ]

    assert uses
    assert all("kms:ViaService" in one["Condition"]["StringEquals"] for one in uses)


def test_only_the_steps_that_release_billed_resources_may_delete_them(resources: Resources) -> None:
    deleting = {
        policy.removeprefix("Functions").partition("Role")[0]
        for policy, statement in resources.statements()
        for action in as_list(statement["Action"])
        if action.startswith("bedrock:Delete")
    }

    assert deleting == {"ReleaseThroughput", "SweepThroughput"}


def test_a_permissions_boundary_bounds_every_role(tmp_path_factory: Any) -> None:
    from tests.infra.conftest import synthesize

    bounded = Resources(synthesize(tmp_path_factory.mktemp("bounded"), permissions_boundary="team-boundary"))

    roles = bounded.of("AWS::IAM::Role").values()
    assert roles
    assert all("team-boundary" in str(role.get("PermissionsBoundary")) for role in roles)


def test_the_stages_judge_adds_no_permission_and_may_be_called(
    resources: Resources, tmp_path_factory: Any
) -> None:
    """Who evaluates may call any model, since a manifest names its judge; nobody else may call this one."""
    judging = Resources(synthesize(tmp_path_factory.mktemp("judging"), judge="amazon.nova-pro-v1:0"))

    assert sorted(map(str, judging.statements())) == sorted(map(str, resources.statements()))
    calling = {
        policy.removeprefix("Functions").partition("Role")[0]
        for policy, statement in judging.statements()
        if "bedrock:InvokeModel" in as_list(statement["Action"])
        and "arn:aws:bedrock:*::foundation-model/*" in as_list(statement["Resource"])
    }
    assert {one for one in calling if not one.startswith("Evaluation")} == {"EvaluateModel", "EvaluateShard"}


def test_the_workflow_starts_ends_and_redrives_executions_of_itself_only(resources: Resources) -> None:
    """What a Distributed Map asks of its role (Step Functions guide, iam-policies-eg-dist-map)."""
    statements = [
        (as_list(statement["Action"]), str(statement["Resource"]))
        for policy, statement in resources.statements()
        if policy.startswith("WorkflowMachineDistributedMapPolicy")
    ]

    assert {action for actions, _ in statements for action in actions} == {
        "states:StartExecution", "states:DescribeExecution", "states:StopExecution",
        "states:RedriveExecution",
    }  # fmt: skip
    assert all("'Ref': 'WorkflowMachine" in resource for _, resource in statements)


INLINE, MANAGED, LONGEST_ARN = 10_240, 6_144, 105
"""Characters of a role's inline policies together, and of one managed policy, without white space (IAM user
guide, reference_iam-quotas); and of an ARN that CloudFormation fills in, whose name it makes
of the stack's, the logical id and twelve characters."""


@pytest.fixture(scope="module")
def widest(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """A stage with every engine, and every setting that adds a policy or a rule."""
    mlflow = {"tracking_uri": "https://mlflow.example.com"}
    settings = {**EVERYTHING, "engines": ENGINES, "mlflow": mlflow}
    return Resources(synthesize(tmp_path_factory.mktemp("widest"), "local", **settings))


def test_every_policy_leaves_room_in_the_quotas_of_iam(widest: Resources) -> None:
    """CDK moves to managed policies what it estimates to be too long."""
    inline: dict[str, int] = {}
    for policy in widest.of("AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            inline[str(role)] = inline.get(str(role), 0) + _length(policy["PolicyDocument"])

    assert max(inline.values()) <= INLINE
    managed = widest.of("AWS::IAM::ManagedPolicy").values()
    assert max(_length(one["PolicyDocument"]) for one in managed) <= MANAGED


def test_a_role_may_do_what_its_actions_depend_on(widest: Resources) -> None:
    """Without sagemaker:AddTags a job with tags is refused (Service Authorization Reference). What Service
    Quotas depends on are the limits that other services tell themselves, such as Auto Scaling's."""
    allowed: dict[str, set[str]] = {}
    for policy in widest.policies().values():
        for statement in policy["PolicyDocument"]["Statement"]:
            for role in map(str, policy.get("Roles", ())):
                allowed.setdefault(role, set()).update(as_list(statement["Action"]))

    needed = {
        (role, action, other)
        for role, actions in allowed.items()
        for action in actions
        if not action.startswith("servicequotas:")
        for resource in (action_of(action) or {}).get("resource_types", {}).values()
        for other in resource.get("dependent_actions", ())
    }

    assert "sagemaker:CreateTrainingJob" in {action for _, action, _ in needed}
    assert [one for one in needed if one[2] not in allowed[one[0]]] == []


def test_who_may_assume_a_role_fits_its_quota(widest: Resources) -> None:
    """2,048 characters by default (IAM user guide, reference_iam-quotas)."""
    trusts = [one["AssumeRolePolicyDocument"] for one in widest.of("AWS::IAM::Role").values()]

    assert max(map(_length, trusts)) <= 2_048


def test_the_policy_of_the_dead_letter_queue_leaves_room_in_the_quotas_of_sqs(widest: Resources) -> None:
    """Every rule adds a statement with a condition (SQS guide, quotas-policies, read 2026-11-30)."""
    (policy,) = (one["PolicyDocument"] for one in widest.of("AWS::SQS::QueuePolicy").values())
    conditions = [
        key
        for statement in policy["Statement"]
        for keys in statement.get("Condition", {}).values()
        for key in keys
    ]

    assert len(policy["Statement"]) <= 20
    assert len(conditions) <= 10
    assert _length(policy) <= 8_192


def test_the_policies_of_buckets_and_key_fit_their_quotas(widest: Resources) -> None:
    """20 KB of a bucket's (S3 user guide, using-iam-policies), 32 KB of a key's (botocore's model)."""
    longest = boto3.client("kms", REGION).meta.service_model.shape_for("PolicyType").metadata["max"]
    buckets = [one["PolicyDocument"] for one in widest.of("AWS::S3::BucketPolicy").values()]
    keys = [one["KeyPolicy"] for one in widest.of("AWS::KMS::Key").values()]

    assert max(map(_length, buckets)) <= 20_480
    assert max(map(_length, keys)) <= longest


def _length(document: Any) -> int:
    return len(json.dumps(_filled(document), separators=(",", ":")))


def _filled(value: Any) -> Any:
    """A part of a template as CloudFormation fills it in, with names of the greatest length."""
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(map(str, _filled(parts)))
    if value.keys() & {"Ref", "Fn::GetAtt"}:
        return "x" * LONGEST_ARN
    return {key: _filled(one) for key, one in value.items()}

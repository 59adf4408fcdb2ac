"""Roles that Bedrock assumes: one for customization jobs, one for evaluation jobs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

DATASETS = "runs/*/dataset/*"
TRAINING = "runs/*/training/*"
JUDGING = "runs/*/judging/*"


class RoleForJobs(Construct):
    """A role that Bedrock or another service assumes for one kind of this account's jobs."""

    def __init__(
        self, scope: Construct, id: str, *, jobs: str, purpose: str,
        statements: Sequence[iam.PolicyStatement], service: str = "bedrock",
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        stack = Stack.of(self)
        source = f"arn:aws:{service}:{stack.region}:{stack.account}:{jobs}/*"
        self.role = iam.Role(
            self,
            "Role",
            description=f"Assumed by {service.capitalize()} while {purpose} for Tunedrop",
            assumed_by=iam.ServicePrincipal(
                f"{service}.amazonaws.com",
                # Jobs of other accounts cannot make Bedrock use this role (IAM user guide, "confused
                # deputy").
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": source},
                },
            ),
        )
        for statement in statements:
            self.role.add_to_principal_policy(statement)


class BedrockRole(RoleForJobs):
    """Bedrock's service role for customization (Bedrock user guide, custom-model-job-access-security)."""

    def __init__(self, scope: Construct, id: str, *, artifacts: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(
            scope,
            id,
            jobs="model-customization-job",
            purpose="it customizes a model",
            statements=[*storage(artifacts), *_encryption(Stack.of(scope), key)],
        )


class EvaluationRole(RoleForJobs):
    """Bedrock's service role for evaluation jobs with a judge (user guide, judge-service-roles)."""

    def __init__(self, scope: Construct, id: str, *, artifacts: s3.IBucket, key: kms.IKey) -> None:
        stack = Stack.of(scope)
        super().__init__(
            scope,
            id,
            jobs="evaluation-job",
            purpose="a judge rates answers",
            statements=[*_judging(stack, artifacts), data_through_s3(stack, key)],
        )


def _judging(stack: Stack, artifacts: s3.IBucket) -> list[iam.PolicyStatement]:
    """The documented actions, except invoking the evaluated model, because our answers are precomputed."""
    ours = f"arn:aws:bedrock:{stack.region}:{stack.account}"
    # All models: the run chooses its judge, and an inference profile the Region.
    judges = ["arn:aws:bedrock:*::foundation-model/*", f"{ours}:inference-profile/*"]
    batches = [f"bedrock:{verb}ModelInvocationJob" for verb in ("Create", "Get", "Stop")]
    return [
        iam.PolicyStatement(
            sid="Judge",
            actions=["bedrock:InvokeModel", "bedrock:GetInferenceProfile"],
            resources=judges,
        ),
        iam.PolicyStatement(
            sid="JudgeInBatches", actions=batches, resources=[*judges, f"{ours}:model-invocation-job/*"]
        ),
        iam.PolicyStatement(
            sid="Judging",
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[artifacts.arn_for_objects(JUDGING)],
        ),
        # The page requires these for the whole bucket; they expose names of objects, not content.
        iam.PolicyStatement(
            sid="FindBucket",
            actions=["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            resources=[artifacts.bucket_arn],
        ),
    ]


def storage(artifacts: s3.IBucket) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="ReadDatasets",
            actions=["s3:GetObject"],
            resources=[artifacts.arn_for_objects(DATASETS)],
        ),
        iam.PolicyStatement(
            sid="WriteTraining",
            actions=["s3:GetObject", "s3:PutObject"],
            resources=[artifacts.arn_for_objects(TRAINING)],
        ),
        # The guide grants it of the bucket as a whole (model-customization-code-samples): a HeadBucket has no
        # prefix, and would fail a condition on one. It shows names of objects, and no content.
        iam.PolicyStatement(sid="FindBucket", actions=["s3:ListBucket"], resources=[artifacts.bucket_arn]),
    ]


def _encryption(stack: Stack, key: kms.IKey) -> list[iam.PolicyStatement]:
    return [
        data_through_s3(stack, key),
        # The tuned model is encrypted with our key; Bedrock keeps a grant on it until the model is deleted
        # (Bedrock user guide, encryption-custom-job).
        iam.PolicyStatement(
            sid="ModelThroughBedrock",
            actions=["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"bedrock.{stack.region}.amazonaws.com"}},
        ),
    ]


def data_through_s3(stack: Stack, key: kms.IKey) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="DataThroughS3",
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"s3.{stack.region}.amazonaws.com"}},
    )

"""Roles for open weights: SageMaker AI assumes one to train them, Bedrock the other to import them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions.declared import Filling
from infra.service_roles.bedrock import TRAINING, RoleForJobs, data_through_s3, storage
from tunedrop import naming
from tunedrop.training.engine import TrainingEngine

BASES = naming.base_prefix("*") + "*"


class TrainingRole(Construct):
    """SageMaker AI's execution role: access to data and logs, and what each engine's jobs need."""

    def __init__(
        self, scope: Construct, id: str, *, stage: str, artifacts: s3.IBucket, key: kms.IKey,
        engines: Sequence[TrainingEngine],
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        stack = Stack.of(self)
        fill = Filling(stack, stage, artifacts)
        # As the developer guide writes it (sagemaker-roles, read 2026-11-30); an account's first training job
        # creates the group.
        logs = f"arn:aws:logs:{stack.region}:{stack.account}:log-group:/aws/sagemaker/TrainingJobs*"
        writing = ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
        self.role = RoleForJobs(
            self,
            "Jobs",
            service="sagemaker",
            jobs="training-job",
            purpose="it trains a model",
            statements=[
                *storage(artifacts),
                data_through_s3(stack, key),
                # Of a key that a job names for its output (developer guide, sagemaker-roles, on
                # CreateTrainingJob, read 2026-11-30). Without a condition, as there: whether SageMaker makes
                # this call by way of S3 is not documented. It reads nothing.
                _allow("EncryptOutput", ["kms:Encrypt"], [key.key_arn]),
                *(fill.statement(needed) for one in engines for needed in one.role_permissions),
                _allow("WriteLogs", [f"logs:{name}" for name in writing], [logs]),
            ],
        ).role


class ImportRole(Construct):
    """Bedrock's service role for import jobs (user guide, model-import-iam-role, read 2026-11-29)."""

    def __init__(self, scope: Construct, id: str, *, artifacts: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        ours = {"StringEquals": {"aws:ResourceAccount": stack.account}}
        public = f"arn:aws:s3:::jumpstart-cache-prod-{stack.region}"
        self.role = RoleForJobs(
            self,
            "Jobs",
            jobs="model-import-job",
            purpose="it imports a model",
            statements=[
                _allow(
                    "ReadWeights",
                    ["s3:GetObject"],
                    [artifacts.arn_for_objects(TRAINING), artifacts.arn_for_objects(BASES)],
                    ours,
                ),
                _allow("ListWeights", ["s3:ListBucket"], [artifacts.bucket_arn], ours),
                # Base models for the comparison: AWS's own public bucket.
                _allow("ReadBaseModels", ["s3:GetObject"], [f"{public}/*"]),
                _allow("ListBaseModels", ["s3:ListBucket"], [public]),
                data_through_s3(stack, key),
            ],
        ).role


def _allow(
    sid: str, actions: list[str], resources: list[str], conditions: dict[str, dict[str, str]] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions)

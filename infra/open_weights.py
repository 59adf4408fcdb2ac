"""The roles of a stage that trains open weights: SageMaker AI's to train, and Bedrock's to import weights."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bedrock_role import RoleForJobs, data_through_s3, storage

TRAINING = "runs/*/training/*"


class TrainingRole(Construct):
    """SageMaker AI's execution role (developer guide, model-customize-open-weight-prereq, read 2026-11-29).

    Which of these actions a serverless job uses is documented for the caller alone: that its role needs the
    hub, the package and the log is a belief.
    """

    def __init__(
        self, scope: Construct, id: str, *, stage: str, artifacts: s3.IBucket, key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        sagemaker = f"arn:aws:sagemaker:{stack.region}:{stack.account}"
        logs = f"arn:aws:logs:{stack.region}:{stack.account}:log-group:/aws/sagemaker/TrainingJobs"
        self.role = RoleForJobs(
            self,
            "Jobs",
            service="sagemaker",
            jobs="training-job",
            purpose="it trains a model",
            statements=[
                *storage(artifacts),
                data_through_s3(stack, key),
                _allow(
                    "ReadBaseModel",
                    ["sagemaker:DescribeHubContent"],
                    [
                        f"arn:aws:sagemaker:{stack.region}:aws:hub/SageMakerPublicHub",
                        f"arn:aws:sagemaker:{stack.region}:aws:hub-content/SageMakerPublicHub/Model/*",
                    ],
                ),
                _allow(
                    "KeepModel",
                    ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"],
                    [
                        f"{sagemaker}:model-package/tunedrop-{stage}-*",
                        f"{sagemaker}:model-package-group/tunedrop-{stage}-*",
                    ],
                ),
                _allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{logs}:log-stream:*"]),
            ],
        ).role


class ImportRole(Construct):
    """Bedrock's service role for import jobs (user guide, model-import-iam-role, read 2026-11-29)."""

    def __init__(self, scope: Construct, id: str, *, artifacts: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        ours = {"StringEquals": {"aws:ResourceAccount": stack.account}}
        self.role = RoleForJobs(
            self,
            "Jobs",
            jobs="model-import-job",
            purpose="it imports a model",
            statements=[
                _allow("ReadWeights", ["s3:GetObject"], [artifacts.arn_for_objects(TRAINING)], ours),
                _allow("ListWeights", ["s3:ListBucket"], [artifacts.bucket_arn], ours),
                data_through_s3(stack, key),
            ],
        ).role


def _allow(
    sid: str, actions: list[str], resources: list[str], conditions: dict[str, dict[str, str]] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions)

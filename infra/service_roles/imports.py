"""The role that Bedrock assumes to import models from their files."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.service_roles.bedrock import TRAINING, RoleForJobs, data_through_s3
from tunedrop import naming
from tunedrop.training.public_hub import PUBLIC_BUCKET

BASES = naming.base_prefix("*") + "*"


class ImportRole(Construct):
    """Bedrock's service role for import jobs (user guide, model-import-iam-role, read 2026-11-29)."""

    def __init__(self, scope: Construct, id: str, *, artifacts: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        ours = {"StringEquals": {"aws:ResourceAccount": stack.account}}
        public = f"arn:aws:s3:::{PUBLIC_BUCKET}{stack.region}"
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

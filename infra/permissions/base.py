"""The parts of statements: the stage's resources, ARNs, and conditions on its tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra.settings import Settings
from tunedrop import naming
from tunedrop.stage import Stage as StageDescription

FOUNDATION_MODELS = "arn:aws:bedrock:*::foundation-model/*"
"""All of them: the run chooses its base model, and an inference profile chooses the Region."""

TO_BEDROCK = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the stage that functions use."""

    stack: Stack
    settings: Settings
    stage: StageDescription
    intake: s3.IBucket
    artifacts: s3.IBucket
    runs: dynamodb.ITableV2
    waits: dynamodb.ITableV2
    topic: sns.ITopic
    chat: sns.ITopic | None
    key: kms.IKey
    bedrock_role: iam.IRole
    evaluation_role: iam.IRole
    training_roles: Mapping[str, iam.IRole] = {}
    import_role: iam.IRole | None = None
    workflow_name: str


class Statements:
    """Statements about one kind of resource."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    def arn(self, resource: str, service: str = "bedrock") -> str:
        stack = self.resources.stack
        return f"arn:aws:{service}:{stack.region}:{stack.account}:{resource}"

    def tagged_ours(self) -> dict[str, Any]:
        """The request sets the stage's tag on what it creates."""
        return {"StringEquals": {f"aws:RequestTag/{naming.STAGE_TAG}": self.resources.stage.name}}

    def ours(self) -> dict[str, Any]:
        """The resource has the stage's tag: a run of this stage created it."""
        return {"StringEquals": {f"aws:ResourceTag/{naming.STAGE_TAG}": self.resources.stage.name}}


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
    )


def leading(*keys: str) -> dict[str, Any]:
    """The partition keys that a request may name; a request without any is denied."""
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }

"""Permissions of applications that use the models in production."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.permissions.base import allow
from infra.permissions.declared import Filling
from tunedrop.serving import kinds
from tunedrop.stage import Stage as StageDescription


def ask_models(
    stack: Stack, stage: StageDescription, artifacts: s3.IBucket, key: kms.IKey, name: str
) -> Iterator[iam.PolicyStatement]:
    """Read the production alias of a name (or of `*`), and invoke the model that it points to.

    Bedrock generates the ids of serving resources, so IAM cannot tell the models of one name from those of
    another: only the alias is limited to the name.
    """
    alias = f"arn:aws:ssm:{stack.region}:{stack.account}:parameter{stage.alias_prefix}/{name}"
    yield allow("ReadAlias", ["ssm:GetParameter"], [alias])
    fill = Filling(stack, stage.name, artifacts, key)
    for kind in kinds.used_by(stage.engines):
        yield from map(fill.statement, kind.applications)
    # Tuned models are encrypted with the stage's key, so callers need to use it, through Bedrock
    # (Nova user guide, customize-fine-tune-encrypt, PermissionsModelInvocation, read 2026-11-29).
    via = {"StringEquals": {"kms:ViaService": f"bedrock.{stack.region}.amazonaws.com"}}
    yield allow("ModelKey", ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn], via)

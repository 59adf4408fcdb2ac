"""Permissions of applications that use the models in production."""

from __future__ import annotations

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.permissions.base import allow
from tunedrop.stage import Stage as StageDescription
from tunedrop.training import engines


def ask_models(
    stack: Stack, stage: StageDescription, key: kms.IKey, name: str
) -> Iterator[iam.PolicyStatement]:
    """Read the production alias of a name (or of `*`), and invoke the model that it points to.

    Bedrock generates the ids of serving resources, so IAM cannot tell the models of one name from those of
    another: only the alias is limited to the name.
    """
    alias = f"arn:aws:ssm:{stack.region}:{stack.account}:parameter{stage.alias_prefix}/{name}"
    imported = ("imported-model",) if stage.import_role_arn else ()
    serving = [
        f"arn:aws:bedrock:{stack.region}:{stack.account}:{kind}/*"
        for kind in ("custom-model-deployment", "provisioned-model", *imported)
    ]
    yield allow("ReadAlias", ["ssm:GetParameter"], [alias])
    invoke = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    yield allow("Invoke", invoke, serving)
    if "bedrock-mantle" in {engines.named(one).service for one in stage.engines}:
        project = f"arn:aws:bedrock-mantle:{stack.region}:{stack.account}:project/default"
        yield allow("CreateInference", ["bedrock-mantle:CreateInference"], [project])
        # For API keys; it takes no resource (Service Authorization Reference).
        yield allow("CallWithBearerToken", ["bedrock-mantle:CallWithBearerToken"], ["*"])
    # Tuned models are encrypted with the stage's key, so callers need to use it, through Bedrock
    # (Nova user guide, customize-fine-tune-encrypt, PermissionsModelInvocation, read 2026-11-29).
    via = {"StringEquals": {"kms:ViaService": f"bedrock.{stack.region}.amazonaws.com"}}
    yield allow("ModelKey", ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn], via)

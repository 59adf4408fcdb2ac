"""The roles that Bedrock and SageMaker AI assume for a stage's jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.service_roles.bedrock import BedrockRole, EvaluationRole
from infra.service_roles.open_weights import ImportRole, TrainingRole
from tunedrop.serving import kinds
from tunedrop.training.engine import TrainingEngine

__all__ = ["ServiceRoles", "add_service_roles"]


class ServiceRoles(NamedTuple):
    """The role of each kind of job; `training` only in stages that train in SageMaker AI, `imports` only
    where models are served from their files."""

    customization: iam.Role
    evaluation: iam.Role
    training: iam.Role | None
    imports: iam.Role | None


def add_service_roles(
    scope: Construct, *, stage: str, artifacts: s3.IBucket, key: kms.IKey, engines: Sequence[TrainingEngine]
) -> ServiceRoles:
    """Add the roles that the jobs of these engines need."""
    customization = BedrockRole(scope, "Bedrock", artifacts=artifacts, key=key).role
    evaluation = EvaluationRole(scope, "Evaluation", artifacts=artifacts, key=key).role
    trains = any(engine.service == "sagemaker" for engine in engines)
    imports = any(kind.serves_files for kind in kinds.used_by([engine.name for engine in engines]))
    return ServiceRoles(
        customization,
        evaluation,
        TrainingRole(scope, "Training", stage=stage, artifacts=artifacts, key=key, engines=engines).role
        if trains
        else None,
        ImportRole(scope, "Import", artifacts=artifacts, key=key).role if imports else None,
    )

"""The roles that Bedrock and the services of the stage's other engines assume for its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions.declared import Filling
from infra.service_roles.bedrock import BedrockRole, EvaluationRole
from infra.service_roles.imports import ImportRole
from infra.service_roles.training import TrainingRole
from tunedrop.serving import kinds
from tunedrop.training.engine import TrainingEngine

__all__ = ["ServiceRoles", "add_service_roles"]


class ServiceRoles(NamedTuple):
    """The role of each kind of job: `training` of the engines that declare one, by name; `imports` only where
    models are served from their files."""

    customization: iam.Role
    evaluation: iam.Role
    training: Mapping[str, iam.Role]
    imports: iam.Role | None


def add_service_roles(
    scope: Construct, *, stage: str, artifacts: s3.IBucket, key: kms.IKey, engines: Sequence[TrainingEngine]
) -> ServiceRoles:
    """Add the roles that the jobs of these engines need."""
    customization = BedrockRole(scope, "Bedrock", artifacts=artifacts, key=key).role
    evaluation = EvaluationRole(scope, "Evaluation", artifacts=artifacts, key=key).role
    fill = Filling(Stack.of(scope), stage, artifacts, key)
    training = {
        one.name: TrainingRole(
            scope, f"Training{_pascal(one.name)}", declared=one.role, artifacts=artifacts, key=key, fill=fill
        ).role
        for one in engines
        if one.role is not None
    }
    imports = any(kind.serves_files for kind in kinds.used_by([engine.name for engine in engines]))
    return ServiceRoles(
        customization,
        evaluation,
        training,
        ImportRole(scope, "Import", artifacts=artifacts, key=key).role if imports else None,
    )


def _pascal(name: str) -> str:
    """A name with hyphens as a part of a construct's id."""
    return name.title().replace("-", "")

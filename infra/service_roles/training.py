"""The roles that the services of training engines assume for their jobs, as the engines declare them."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions.declared import Filling
from infra.service_roles.bedrock import RoleForJobs, data_through_s3, storage
from tunedrop.training.engine import JobRole


class TrainingRole(RoleForJobs):
    """The role of one engine's jobs: access to the data of runs, and what else the engine declares."""

    def __init__(
        self, scope: Construct, id: str, *, declared: JobRole, artifacts: s3.IBucket, key: kms.IKey,
        fill: Filling,
    ) -> None:  # fmt: skip
        super().__init__(
            scope,
            id,
            service=declared.service,
            jobs=declared.jobs,
            purpose="it trains a model",
            statements=[
                *storage(artifacts),
                data_through_s3(Stack.of(scope), key),
                *map(fill.statement, declared.permissions),
            ],
        )

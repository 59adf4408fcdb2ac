"""The stage's description, which functions and command line read: its names, ARNs, and shared settings."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.notifications import Notifications
from infra.service_roles import ServiceRoles
from infra.settings import Settings
from infra.tables import Tables
from tunedrop.stage import Stage, as_json, parameter_name

_SHARED = set(Stage.__struct_fields__) & set(Settings.__struct_fields__) - {
    "name", "intake_bucket", "artifacts_bucket"
}  # fmt: skip
"""The settings that are part of the description."""


def describe(
    settings: Settings, stack: Stack, *, intake: s3.IBucket, artifacts: s3.IBucket, tables: Tables,
    notifications: Notifications, roles: ServiceRoles, key: kms.IKey,
) -> Stage:  # fmt: skip
    """The description of a stage; its names and ARNs are CDK tokens until deployment."""
    return Stage(
        name=settings.name,
        account=stack.account,
        region=stack.region,
        intake_bucket=intake.bucket_name,
        artifacts_bucket=artifacts.bucket_name,
        registry_table=tables.runs.table_name,
        waits_table=tables.waits.table_name,
        topic_arn=notifications.topic.topic_arn,
        chat_topic_arn=notifications.chat.topic_arn if notifications.chat else "",
        bedrock_role_arn=roles.customization.role_arn,
        evaluation_role_arn=roles.evaluation.role_arn,
        training_role_arns={engine: role.role_arn for engine, role in roles.training.items()},
        import_role_arn=roles.imports.role_arn if roles.imports else "",
        key_arn=key.key_arn,
        mlflow_tracking_uri=settings.mlflow.tracking_uri if settings.mlflow else "",
        mlflow_header_parameter=(settings.mlflow.header_parameter or "") if settings.mlflow else "",
        **{field: getattr(settings, field) for field in _SHARED},
    )


def publish(scope: Construct, stage: Stage) -> None:
    """Add the parameter that the command line reads."""
    ssm.StringParameter(
        scope,
        "Stage",
        parameter_name=parameter_name(stage.name),
        description="Tunedrop: the description of this stage",
        string_value=as_json(stage),
    )

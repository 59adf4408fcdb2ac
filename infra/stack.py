"""The architecture on one page: the parts, what each is handed, and who may do what."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra import permissions
from infra.bedrock_role import BedrockRole
from infra.budget import COST_TAG, Budget
from infra.bundling import Bundles
from infra.encryption import Encryption
from infra.functions import WATCHERS, Functions, describe, retention
from infra.intake import Intake, StartRule
from infra.notifications import Notifications
from infra.observability import Observability
from infra.registry import Registry
from infra.settings import Settings
from infra.waits import Waits
from infra.workflow import Workflow
from tunedrop import stage


class TunedropStack(Stack):
    """One stage of Tunedrop in one account and Region."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, bundles: Bundles, **properties: Any
    ) -> None:
        super().__init__(scope, id, **properties)
        name = f"tunedrop-{settings.name}"
        removal = RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY

        key = Encryption(self, "Encryption", removal=removal).key
        storage = Intake(self, "Intake", key=key, removal=removal, empty_buckets=settings.empty_buckets)
        registry = Registry(self, "Registry", key=key, removal=removal)
        notifications = Notifications(
            self, "Notifications", key=key, emails=settings.notification_emails,
            chat=settings.chat_notifications,
        )  # fmt: skip
        topic = notifications.topic
        bedrock_role = BedrockRole(self, "Bedrock", artifacts=storage.artifacts, key=key).role
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

        description = stage.Stage(
            name=settings.name,
            account=self.account,
            region=self.region,
            intake_bucket=storage.intake.bucket_name,
            artifacts_bucket=storage.artifacts.bucket_name,
            registry_table=registry.runs.table_name,
            waits_table=registry.waits.table_name,
            topic_arn=topic.topic_arn,
            chat_topic_arn=notifications.chat.topic_arn if notifications.chat else "",
            bedrock_role_arn=bedrock_role.role_arn,
            key_arn=key.key_arn,
            **{field: getattr(settings, field) for field in _SHARED},
        )
        functions = Functions(
            self, "Functions", settings=settings, stage=description, bundles=bundles,
            dead_letters=dead_letters, removal=removal,
        )  # fmt: skip
        permissions.grant(
            functions,
            permissions.Resources(
                stack=self, settings=settings, stage=description, intake=storage.intake,
                artifacts=storage.artifacts, runs=registry.runs, waits=registry.waits, topic=topic, key=key,
                chat=notifications.chat, bedrock_role=bedrock_role, workflow_name=name,
            ),
        )  # fmt: skip

        notifications.give_receipts_to(functions["record_notice"])
        workflow = Workflow(
            self, "Workflow", name=name, functions=functions, log_retention=retention(settings),
            removal=removal, approval_timeout=Duration.seconds(settings.approval_timeout_seconds),
        ).machine  # fmt: skip
        StartRule(self, "Start", bucket=storage.intake, workflow=workflow, dead_letters=dead_letters)
        Waits(
            self, "Waits", resume=functions["resume_waits"], sweep=functions["sweep_throughput"],
            intake=storage.intake, workflow=workflow, dead_letters=dead_letters,
            resume_every=Duration.minutes(settings.resume_minutes),
            sweep_every=Duration.minutes(settings.sweep_minutes),
        )  # fmt: skip
        Observability(
            self, "Observability", name=name, workflow=workflow, functions=list(functions),
            watchers=[functions[one.name] for one in WATCHERS], dead_letters=dead_letters, topic=topic,
        )  # fmt: skip
        if settings.cost_budget:
            Budget(self, "Budget", stage=settings.name, monthly_usd=settings.monthly_budget_usd, topic=topic)

        self._describe(description, workflow.state_machine_arn)
        Tags.of(self).add(COST_TAG, settings.name)
        if settings.permissions_boundary:
            boundary = iam.ManagedPolicy.from_managed_policy_name(
                self, "Boundary", settings.permissions_boundary
            )
            iam.PermissionsBoundary.of(self).apply(boundary)

    def _describe(self, description: stage.Stage, workflow_arn: str) -> None:
        """Where the command line and people find the parts."""
        ssm.StringParameter(
            self,
            "Stage",
            parameter_name=stage.parameter_name(description.name),
            description="Tunedrop: what this stage consists of",
            string_value=describe(description),
        )
        outputs = {
            "IntakeBucket": description.intake_bucket,
            "ArtifactsBucket": description.artifacts_bucket,
            "TopicArn": description.topic_arn,
            "StateMachineArn": workflow_arn,
            "RegistryTable": description.registry_table,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


_SHARED = set(stage.Stage.__struct_fields__) & set(Settings.__struct_fields__) - {"name", "account", "region"}
"""The settings that functions and command line read too."""

"""The architecture on one page: the parts, their inputs, and their permissions.

`Tunedrop` is a construct: our own stack contains one, other CDK apps can contain several.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack, Tags, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import permissions
from infra import settings as stage_settings
from infra.bedrock_role import BedrockRole, EvaluationRole
from infra.budget import Budget
from infra.bundling import Bundles, build
from infra.chat_channel import ChatChannel
from infra.emptying import Emptying
from infra.encryption import Encryption, let_services_use
from infra.endpoints import VpcEndpoints
from infra.functions import ANSWERER, EMPTIER, EXPORTER, WATCHERS, Functions, describe, retention
from infra.intake import Intake, StartRule
from infra.notifications import Notifications
from infra.observability import Observability
from infra.open_weights import ImportRole, TrainingRole
from infra.settings import Settings, SettingsError
from infra.settings.contradictions import refuse_region
from infra.state_machine import Workflow
from infra.tables import Tables
from infra.watchers import Watchers
from tunedrop import naming, stage
from tunedrop.contracts import Outcome
from tunedrop.intake import DROP_PREFIX, RUNS_PREFIX
from tunedrop.reporting import outcome_event
from tunedrop.training import engines

FEATURE_FLAGS = (
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy",
    "@aws-cdk/aws-s3:createDefaultLoggingPolicy",
    "@aws-cdk/aws-lambda:recognizeLayerVersion",
    "@aws-cdk/aws-events:eventsTargetQueueSameAccount",
)
"""CDK feature flags that the parts rely on, set regardless of the surrounding app."""


class Tunedrop(Construct):
    """The whole pipeline of one stage, in the account and Region of its stack.

    Parameters
    ----------
    settings
        The stage's settings, see `Settings`.
    bundles
        The code of the functions; by default built, or taken from the cache.
    key
        The KMS key of buckets, tables, topics and models; by default a new one. The policy of an imported key
        needs the statements in docs/how-to/stages.md (Your own key).

    Attributes
    ----------
    intake, artifacts
        The bucket for uploads, and the one that runs write to.
    topic, chat
        The topics for run results, approval requests and alarms; `chat` is None unless enabled.
    workflow, runs, key
        The state machine, the registry's table, the key.

    Raises
    ------
    SettingsError
        If the settings are invalid, or another Tunedrop of this name is in the same account and Region.

    Examples
    --------
    >>> tuning = Tunedrop(stack, "Tuning", settings=Settings(
    ...     name="support", default_base_model="amazon.nova-lite-v1:0:300k",
    ...     budget_usd=50, monthly_budget_usd=500,
    ... ))
    >>> tuning.grant_submit(uploader)
    >>> tuning.grant_ask_models(application)
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, bundles: Bundles | None = None,
        key: kms.IKey | None = None,
    ) -> None:  # fmt: skip
        super().__init__(scope, id)
        for flag in FEATURE_FLAGS:
            self.node.set_context(flag, True)
        where, region = f"{self.node.path}: settings", Stack.of(self).region
        stage_settings.check(settings, where)
        if not Token.is_unresolved(region):
            refuse_region(where, settings, region)
        self.name = f"tunedrop-{settings.name}"
        self._refuse_a_second_of_the_same_name()
        removal = RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY

        self.key = key or self._key(settings, removal)
        let_services_use(self.key, Stack.of(self).account)
        storage = Intake(
            self, "Intake", key=self.key, removal=removal,
            existing=(settings.intake_bucket, settings.artifacts_bucket),
        )  # fmt: skip
        self.intake, self.artifacts = storage.intake, storage.artifacts
        tables = Tables(self, "Registry", key=self.key, removal=removal)
        self.runs = tables.runs
        notifications = Notifications(
            self, "Notifications", key=self.key, emails=settings.notification_emails,
            groups=settings.notify,
            chat=settings.has_chat,
        )  # fmt: skip
        self.topic, self.chat = notifications.topic, notifications.chat
        bedrock_role = BedrockRole(self, "Bedrock", artifacts=self.artifacts, key=self.key).role
        evaluation_role = EvaluationRole(self, "Evaluation", artifacts=self.artifacts, key=self.key).role
        used = [engines.named(name) for name in settings.engines]
        training_role, import_role = None, None
        services = {one.service for one in used}
        if "sagemaker" in services:
            training_role = TrainingRole(
                self, "Training", stage=settings.name, artifacts=self.artifacts, key=self.key, engines=used
            ).role
            import_role = ImportRole(self, "Import", artifacts=self.artifacts, key=self.key).role
        dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

        self.stage = self._describe(
            settings, tables, bedrock_role, evaluation_role, training_role, import_role
        )
        functions = Functions(
            self, "Functions", settings=settings, stage=self.stage, bundles=bundles or build(settings),
            dead_letters=dead_letters,
        )  # fmt: skip
        permissions.grant(
            functions,
            permissions.Resources(
                stack=Stack.of(self), settings=settings, stage=self.stage, intake=self.intake,
                artifacts=self.artifacts, runs=tables.runs, waits=tables.waits, topic=self.topic,
                key=self.key, chat=self.chat, bedrock_role=bedrock_role, evaluation_role=evaluation_role,
                training_role=training_role, import_role=import_role, workflow_name=self.name,
            ),
        )  # fmt: skip

        if storage.made and not settings.retains:
            Emptying(self, "Emptying", function=functions[EMPTIER.name], buckets=storage.made)
        notifications.give_receipts_to(functions["record_notice"])
        if self.chat is not None:
            ChatChannel(
                self, "ChatChannel", settings=settings, topic=self.chat, key=self.key,
                answer=functions[ANSWERER.name],
            )  # fmt: skip
        self.workflow: sfn.StateMachine = Workflow(
            self, "Workflow", name=self.name, functions=functions, log_retention=retention(settings),
            approval_timeout=Duration.seconds(settings.approval_timeout_seconds),
            shard_concurrency=settings.shard_concurrency,
        ).machine  # fmt: skip
        StartRule(self, "Start", bucket=self.intake, workflow=self.workflow, dead_letters=dead_letters)
        Watchers(
            self, "Waits", resume=functions["resume_waits"], sweep=functions["sweep_throughput"],
            prices=functions["refresh_prices"],
            intake=self.intake, workflow=self.workflow, dead_letters=dead_letters,
            trains_in_sagemaker="sagemaker" in services,
            resume_every=Duration.minutes(settings.resume_minutes),
            sweep_every=Duration.minutes(settings.sweep_minutes),
        )  # fmt: skip
        if settings.mlflow is not None:
            self.on_run_ended(
                "Export",
                # Lambda tries a failing call three times; then it goes to the dead-letter queue.
                targets.LambdaFunction(functions[EXPORTER.name], dead_letter_queue=dead_letters),
            )
        Observability(
            self, "Observability", name=self.name, workflow=self.workflow, functions=list(functions),
            watchers=[functions[one.name] for one in WATCHERS],
            sweep=functions["sweep_throughput"], dead_letters=dead_letters, topic=self.topic,
        )  # fmt: skip
        if (network := settings.network) is not None and network.endpoints is not None:
            VpcEndpoints(self, "Endpoints", network=network, endpoints=network.endpoints, training=services)
        if settings.cost_budget:
            Budget(
                self, "Budget", stage=settings.name, monthly_usd=settings.monthly_budget_usd, topic=self.topic
            )
        self._finish(settings)

    def _key(self, settings: Settings, removal: RemovalPolicy) -> kms.IKey:
        """The existing key that the settings name, else a new one."""
        if settings.kms_key is not None:
            return kms.Key.from_key_arn(self, "Encryption", settings.kms_key)
        return Encryption(self, "Encryption", removal=removal).key

    def grant_submit(self, grantee: iam.IGrantable, tenant: str = "") -> None:
        """Allow dropping datasets, and submitting, approving, stopping and retrying runs: S3 is the
        authorization.

        Parameters
        ----------
        tenant
            One of the settings' `tenants`, to allow only its prefixes. Approving and stopping requires
            `runs/*` too.
        """
        for prefix in (DROP_PREFIX, RUNS_PREFIX):
            self.intake.grant_put(grantee, f"{prefix}{tenant}/*" if tenant else f"{prefix}*")

    def grant_ask_models(self, grantee: iam.IGrantable, name: str = "*") -> None:
        """Allow an application to read a name's production alias, and to invoke its model.

        Parameters
        ----------
        name
            The name of the runs; default: all. Bedrock generates the ids of serving resources, so IAM cannot
            separate the models of different names: only the alias is limited to the name.
        """
        for statement in permissions.ask_models(Stack.of(self), self.stage, self.key, name):
            iam.Grant.add_to_principal(
                grantee=grantee, actions=statement.actions, resource_arns=statement.resources,
                conditions=statement.conditions or None,
            )  # fmt: skip

    def on_run_ended(
        self, id: str, target: events.IRuleTarget, outcomes: Sequence[Outcome] = ()
    ) -> events.Rule:
        """A rule for the event at the end of every run of this stage; with `outcomes`, only for these.

        It is on the bus that the stage's setting `event_bus` names.
        """
        detail: dict[str, list[str]] = {"stage": [self.stage.name]}
        bus = self.stage.event_bus
        return events.Rule(
            self,
            id,
            event_bus=events.EventBus.from_event_bus_name(self, f"{id}Bus", bus)
            if bus != "default"
            else None,
            event_pattern=events.EventPattern(
                source=[outcome_event.SOURCE],
                detail_type=[outcome_event.DETAIL_TYPE],
                detail=detail | ({"outcome": list(outcomes)} if outcomes else {}),
            ),
            targets=[target],
        )

    def _refuse_a_second_of_the_same_name(self) -> None:
        """Refuse a second Tunedrop whose functions, log groups and parameters would have the same names."""
        for other in self.node.root.node.find_all():
            if (
                isinstance(other, Tunedrop)
                and other is not self
                and other.name == self.name
                and Stack.of(other).environment == Stack.of(self).environment
            ):
                name = self.name.removeprefix("tunedrop-")
                raise SettingsError(
                    f"{self.node.path}: settings.name: {other.node.path} is named {name!r} too, in the same "
                    "account and Region"
                )

    def _describe(
        self, settings: Settings, tables: Tables, bedrock_role: iam.IRole, evaluation_role: iam.IRole,
        training_role: iam.IRole | None, import_role: iam.IRole | None,
    ) -> stage.Stage:  # fmt: skip
        stack = Stack.of(self)
        return stage.Stage(
            name=settings.name,
            account=stack.account,
            region=stack.region,
            intake_bucket=self.intake.bucket_name,
            artifacts_bucket=self.artifacts.bucket_name,
            registry_table=tables.runs.table_name,
            waits_table=tables.waits.table_name,
            topic_arn=self.topic.topic_arn,
            chat_topic_arn=self.chat.topic_arn if self.chat else "",
            bedrock_role_arn=bedrock_role.role_arn,
            evaluation_role_arn=evaluation_role.role_arn,
            training_role_arn=training_role.role_arn if training_role else "",
            import_role_arn=import_role.role_arn if import_role else "",
            key_arn=self.key.key_arn,
            mlflow_tracking_uri=settings.mlflow.tracking_uri if settings.mlflow else "",
            mlflow_header_parameter=(settings.mlflow.header_parameter or "") if settings.mlflow else "",
            **{field: getattr(settings, field) for field in _SHARED},
        )

    def _finish(self, settings: Settings) -> None:
        """Add the parameter for the command line, the cost tags, and the permissions boundary."""
        ssm.StringParameter(
            self,
            "Stage",
            parameter_name=stage.parameter_name(settings.name),
            description="Tunedrop: the description of this stage",
            string_value=describe(self.stage),
        )
        for name, value in {**settings.tags, naming.STAGE_TAG: settings.name}.items():
            Tags.of(self).add(name, value)
        if settings.permissions_boundary:
            boundary = iam.ManagedPolicy.from_managed_policy_name(
                self, "Boundary", settings.permissions_boundary
            )
            iam.PermissionsBoundary.of(self).apply(boundary)


_SHARED = set(stage.Stage.__struct_fields__) & set(Settings.__struct_fields__) - {
    "name", "intake_bucket", "artifacts_bucket"
}  # fmt: skip
"""The settings that are part of the stage description."""

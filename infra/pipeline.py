"""The architecture on one page: the parts, their inputs, and their permissions.

`Tunedrop` is a construct: our own stack contains one, other CDK apps can contain several.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack, Tags, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import permissions
from infra import settings as stage_settings
from infra.buckets import Buckets
from infra.budget import Budget
from infra.bundling import Bundles, build
from infra.chat_channel import ChatChannel
from infra.description import describe, publish
from infra.emptying import Emptying
from infra.encryption import stage_key
from infra.endpoints import VpcEndpoints
from infra.event_rules import EventRules
from infra.functions import ANSWERER, EMPTIER, EXPORTER, WATCHERS, Functions, retention
from infra.notifications import Notifications
from infra.observability import Observability
from infra.service_roles import ServiceRoles, add_service_roles
from infra.settings import Settings, SettingsError
from infra.settings.contradictions import refuse_region
from infra.start_rule import StartRule
from infra.state_machine import Workflow
from infra.tables import Tables
from tunedrop import naming
from tunedrop.contracts import Outcome
from tunedrop.intake import DROP_PREFIX, RUNS_PREFIX
from tunedrop.reporting import outcome_event
from tunedrop.serving import kinds
from tunedrop.training import engines
from tunedrop.training.engine import JobEvent

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
        self.name = f"tunedrop-{settings.name}"
        self._settings = settings
        self._check_settings()
        used = [engines.named(name) for name in settings.engines]
        removal = RemovalPolicy.RETAIN if settings.retains else RemovalPolicy.DESTROY

        self.key = stage_key(self, settings, key, removal)
        storage = Buckets(
            self, "Intake", key=self.key, removal=removal,
            existing=(settings.intake_bucket, settings.artifacts_bucket),
        )  # fmt: skip
        self.intake, self.artifacts = storage.intake, storage.artifacts
        tables = Tables(self, "Registry", key=self.key, removal=removal)
        self.runs = tables.runs
        notifications = Notifications(
            self, "Notifications", key=self.key, emails=settings.notification_emails,
            groups=settings.notify, chat=settings.has_chat,
        )  # fmt: skip
        self.topic, self.chat = notifications.topic, notifications.chat
        roles = add_service_roles(
            self, stage=settings.name, artifacts=self.artifacts, key=self.key, engines=used
        )
        self._dead_letters = _dead_letter_queue(self)
        self.stage = describe(
            settings, Stack.of(self), intake=self.intake, artifacts=self.artifacts, tables=tables,
            notifications=notifications, roles=roles, key=self.key,
        )  # fmt: skip
        functions = self._functions(bundles or build(settings), tables, roles)

        reached = {one.service: one.endpoint for one in used if one.endpoint}
        for kind in kinds.used_by(settings.engines):
            reached |= kind.endpoints
        endpoints = self._add_endpoints(reached)
        if storage.made and not settings.retains:
            Emptying(
                self, "Emptying", function=functions[EMPTIER.name], buckets=storage.made, reached_by=endpoints
            )
        self._notify(notifications, functions)
        self.workflow = self._workflow(functions, {one.event for one in used if one.event})
        self._observe(functions)
        publish(self, self.stage)
        self._tag_and_bound()

    def _check_settings(self) -> None:
        """Refuse settings that are invalid, here or together with another Tunedrop of this app."""
        where, region = f"{self.node.path}: settings", Stack.of(self).region
        stage_settings.check(self._settings, where)
        if Token.is_unresolved(region):
            raise SettingsError(
                f"{self.node.path}: its stack has no Region, on which base models and the tables' encryption "
                "depend: give it one (env=Environment(...)), or log in, so that the CDK CLI does"
            )
        refuse_region(where, self._settings, region)
        self._refuse_a_second_of_the_same_name()

    def _functions(self, bundles: Bundles, tables: Tables, roles: ServiceRoles) -> Functions:
        """All functions, with their permissions."""
        functions = Functions(
            self, "Functions", settings=self._settings, stage=self.stage, bundles=bundles,
            dead_letters=self._dead_letters,
        )  # fmt: skip
        permissions.grant(
            functions,
            permissions.Resources(
                stack=Stack.of(self), settings=self._settings, stage=self.stage, intake=self.intake,
                artifacts=self.artifacts, runs=tables.runs, waits=tables.waits, topic=self.topic,
                key=self.key, chat=self.chat, bedrock_role=roles.customization,
                evaluation_role=roles.evaluation, training_roles=roles.training, import_role=roles.imports,
                workflow_name=self.name,
            ),
        )  # fmt: skip
        return functions

    def _notify(self, notifications: Notifications, functions: Functions) -> None:
        """Receipts of what was published, and the chat channel."""
        notifications.give_receipts_to(functions["record_notice"])
        if self.chat is not None:
            ChatChannel(
                self, "ChatChannel", settings=self._settings, topic=self.chat, key=self.key,
                answer=functions[ANSWERER.name],
            )  # fmt: skip

    def _workflow(self, functions: Functions, job_events: Collection[JobEvent]) -> sfn.StateMachine:
        """The state machine, and the events and schedules that start it, resume it and clean up after it."""
        settings = self._settings
        workflow = Workflow(
            self, "Workflow", name=self.name, functions=functions, log_retention=retention(settings),
            approval_timeout=Duration.seconds(settings.approval_timeout_seconds),
            shard_concurrency=settings.shard_concurrency,
        ).machine  # fmt: skip
        StartRule(self, "Start", bucket=self.intake, workflow=workflow, dead_letters=self._dead_letters)
        EventRules(
            self, "Waits", resume=functions["resume_waits"], sweep=functions["sweep_throughput"],
            prices=functions["refresh_prices"],
            intake=self.intake, workflow=workflow, dead_letters=self._dead_letters,
            job_events=job_events,
            resume_every=Duration.minutes(settings.resume_minutes),
            sweep_every=Duration.minutes(settings.sweep_minutes),
        )  # fmt: skip
        if settings.mlflow is not None:
            self.on_run_ended(
                "Export",
                # Lambda tries a failing call three times; then it goes to the dead-letter queue.
                targets.LambdaFunction(functions[EXPORTER.name], dead_letter_queue=self._dead_letters),
            )
        return workflow

    def _observe(self, functions: Functions) -> None:
        """Alarms, the dashboard, and the AWS budget."""
        Observability(
            self, "Observability", name=self.name, workflow=self.workflow, functions=list(functions),
            watchers=[functions[one.name] for one in WATCHERS],
            sweep=functions["sweep_throughput"], dead_letters=self._dead_letters, topic=self.topic,
        )  # fmt: skip
        if self._settings.cost_budget:
            monthly = self._settings.monthly_budget_usd
            Budget(self, "Budget", stage=self._settings.name, monthly_usd=monthly, topic=self.topic)

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
        for statement in permissions.ask_models(Stack.of(self), self.stage, self.artifacts, self.key, name):
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
        own_bus = events.EventBus.from_event_bus_name(self, f"{id}Bus", bus) if bus != "default" else None
        return events.Rule(
            self,
            id,
            event_bus=own_bus,
            event_pattern=events.EventPattern(
                source=[outcome_event.SOURCE],
                detail_type=[outcome_event.DETAIL_TYPE],
                detail=detail | ({"outcome": list(outcomes)} if outcomes else {}),
            ),
            targets=[target],
        )

    def _refuse_a_second_of_the_same_name(self) -> None:
        """Its functions, log groups and parameters would have the same names."""
        for other in self.node.root.node.find_all():
            if not isinstance(other, Tunedrop) or other is self or other.name != self.name:
                continue
            if Stack.of(other).environment == Stack.of(self).environment:
                name = self.name.removeprefix("tunedrop-")
                raise SettingsError(
                    f"{self.node.path}: settings.name: {other.node.path} is named {name!r} too, in the same "
                    "account and Region"
                )

    def _add_endpoints(self, further: dict[str, str]) -> VpcEndpoints | None:
        """The VPC endpoints, if the settings ask for them."""
        if (network := self._settings.network) is None or network.endpoints is None:
            return None
        return VpcEndpoints(self, "Endpoints", network=network, endpoints=network.endpoints, further=further)

    def _tag_and_bound(self) -> None:
        """The cost tags, and the permissions boundary, of every part."""
        for name, value in {**self._settings.tags, naming.STAGE_TAG: self._settings.name}.items():
            Tags.of(self).add(name, value)
        if self._settings.permissions_boundary:
            boundary = iam.ManagedPolicy.from_managed_policy_name(
                self, "Boundary", self._settings.permissions_boundary
            )
            iam.PermissionsBoundary.of(self).apply(boundary)


def _dead_letter_queue(scope: Construct) -> sqs.Queue:
    encryption, kept = sqs.QueueEncryption.SQS_MANAGED, Duration.days(14)
    return sqs.Queue(scope, "DeadLetters", encryption=encryption, enforce_ssl=True, retention_period=kept)

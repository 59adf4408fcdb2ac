"""The settings of a stage, refused where they are wrong: the properties of the construct `infra.Tunedrop`.

Our own app reads them from `cdk.json`, context key `stages`, with the account and Region to deploy to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from infra import contradictions
from infra.contradictions import SettingsError
from tunedrop.contracts import RuleSettings
from tunedrop.naming import MAX_STAGE

__all__ = ["Settings", "SettingsError", "StageSettings", "check", "environment", "read"]

Dollars = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[int, msgspec.Meta(ge=60)]
PromptCount = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
FunctionArn = Annotated[
    str,
    msgspec.Meta(pattern=r"^arn:aws:lambda:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:function:[\w-]+(:[\w-]+)?$"),
]
Tenant = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
Prefix = Annotated[str, msgspec.Meta(pattern="^s3://[a-z0-9.-]{3,63}/(.*/)?$")]
ReportLinks = Annotated[
    str, msgspec.Meta(pattern=r"^(console|presigned|https://[\w.-]+(:[0-9]+)?(/[\w./~-]*)?)$")
]
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s,;<>]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")]
Bucket = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
TagKey = Annotated[str, msgspec.Meta(pattern=r"^(?!aws:)[\w +\-=.:/@]{1,128}$")]
TagValue = Annotated[str, msgspec.Meta(pattern=r"^[\w +\-=.:/@]{0,256}$")]
KeyArn = Annotated[str, msgspec.Meta(pattern=r"^arn:aws:kms:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:key/[\w-]+$")]
Subnet = Annotated[str, msgspec.Meta(pattern="^subnet-[0-9a-f]{8,17}$")]
SecurityGroup = Annotated[str, msgspec.Meta(pattern="^sg-[0-9a-f]{8,17}$")]
Uuid = Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]
Vpc = Annotated[str, msgspec.Meta(pattern="^vpc-[0-9a-f]{8,17}$")]
RouteTable = Annotated[str, msgspec.Meta(pattern="^rtb-[0-9a-f]{8,17}$")]
Retention = Literal[
    "one_day", "three_days", "five_days", "one_week", "two_weeks", "one_month", "two_months", "three_months",
    "six_months", "one_year", "thirteen_months", "two_years", "five_years", "ten_years", "infinite",
]  # fmt: skip
"""How long logs are kept, by CDK's names for the durations that CloudWatch Logs takes."""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """VPC endpoints that the stack creates, if the VPC has none: gateways for S3 and DynamoDB, and interfaces
    in the network's subnets for the services that functions call.

    Attributes
    ----------
    vpc
        The id of the VPC of the subnets. It must resolve DNS names (`enableDnsSupport`,
        `enableDnsHostnames`).
    route_tables
        The route tables of the subnets, which get the routes to S3 and DynamoDB.
    """

    vpc: Vpc
    route_tables: Annotated[tuple[RouteTable, ...], msgspec.Meta(min_length=1)]


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the functions run: subnets of one VPC, with the security groups that they get.

    They call S3, DynamoDB, KMS, SNS, SSM, EventBridge, Step Functions, Lambda, IAM, Service Quotas, the Price
    List, Bedrock and Bedrock's runtime: by the VPC's endpoints, or by a NAT gateway where a service has none.

    Attributes
    ----------
    subnets
        Ids of subnets, of one VPC.
    security_groups
        Ids of the security groups that the functions get.
    endpoints
        VPC endpoints to create; by default those that the VPC has are used.
    """

    subnets: Annotated[tuple[Subnet, ...], msgspec.Meta(min_length=1)]
    security_groups: Annotated[tuple[SecurityGroup, ...], msgspec.Meta(min_length=1)]
    endpoints: Endpoints | None = None


class Slack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Slack channel, in a workspace that was authorized once in Amazon Q Developer in chat applications.

    Attributes
    ----------
    workspace, channel
        Their ids, as `T0123456789` and `C0123456789`.
    """

    workspace: Annotated[str, msgspec.Meta(pattern="^[0-9A-Z]{1,255}$")]
    channel: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,256}$")]


class Teams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel of Microsoft Teams, in a team that was authorized once.

    Attributes
    ----------
    team, tenant
        Their ids (UUIDs).
    channel
        Its id as in the channel's link, such as `19%3Aabc%40thread.tacv2`.
    """

    team: Uuid
    tenant: Uuid
    channel: Annotated[
        str, msgspec.Meta(pattern="^[a-zA-Z0-9_=+/.,-]*%3[aA][a-zA-Z0-9_=+/.,-]*%40[a-zA-Z0-9_=+/.,-]*$")
    ]


class Mlflow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MLflow tracking server, reached by its REST API.

    Attributes
    ----------
    tracking_uri
        Its https address. The functions have to reach it: through `network` if it is in a VPC.
    header_parameter
        The name of an SSM parameter (SecureString, with the key `aws/ssm`) that holds the value of the header
        `Authorization`, such as `Bearer …`.
    """

    tracking_uri: Annotated[str, msgspec.Meta(pattern=r"^https://[\w.-]+(:[0-9]+)?(/[\w./~-]*)?$")]
    header_parameter: Annotated[str, msgspec.Meta(pattern=r"^/[\w./-]{1,1010}$")] | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage before it is deployed: the properties of the construct. Money is in US dollars.

    Attributes
    ----------
    name
        The name of the stage, a part of the names of its functions, parameters and models.
    default_base_model
        The base model for manifests without one, by its id in the catalog.
    budget_usd
        The estimated cost above which a run asks for approval; a manifest may set another budget.
    monthly_budget_usd
        The budget of all runs in a calendar month.
    customization_quota
        The number of customization jobs that the stage runs at once. Bedrock's own limit, L-0406044C
        "Scheduled customization jobs", is 10 per account and Region and cannot be raised (AWS General
        Reference, Bedrock quotas, read 2026-11-29); other stages and users share it.
    approval_timeout_seconds, when_unanswered
        How long a run waits for approval, and what happens then.
    throughput_expiry_seconds
        The maximum lifetime of provisioned throughput for an evaluation, in all cases.
    base_model_idle_seconds
        How long an imported base model is kept after a run has last been compared with it. All runs of the
        stage share one copy, which counts in the quota of imported models (L-45B04988, 3 by default).
    stalled_after_seconds, stop_stalled
        How long a customization job may wait before it starts to train (unbilled) until the topic is
        notified; and whether it is then stopped, which fails the run.
    succession
        Whether a run with the same manifest starts on the successor of a base model when the base model of a
        production model becomes Legacy. The run asks for approval before it costs anything, and is promoted
        only if it is better than the production model.
    over_monthly_budget
        Whether a run that would exceed the monthly budget asks for approval or is refused.
    removal
        What `cdk destroy` does with buckets, tables and the key: `destroy` empties and deletes them,
        `retain` leaves them in the account under their generated names.
    log_retention
        How long the logs of functions and workflow are kept.
    intake_bucket, artifacts_bucket
        Names of buckets of your own to use instead of new ones, in the stage's account and Region, versioned,
        encrypted with `kms_key` or with S3's own keys; the intake bucket must send its events to
        EventBridge. The stack changes nothing about them, and never empties or deletes them.
    data_buckets
        Names of additional buckets that manifests may take data from.
    tenants
        The tenants that share the intake bucket, by name. Each may upload only to `drop/<name>/` and
        `runs/<name>/`, and its manifests may use only data there and in the listed prefixes, such as
        `s3://company-data/support/`. Without tenants, all users may use all data in the intake bucket and the
        data buckets.
    tenant_budgets_usd
        Monthly budgets of tenants, within the budget of all runs.
    data_bucket_keys
        ARNs of the KMS keys that encrypt `data_buckets`.
    graders
        ARNs of Lambda functions in the stage's account and Region that manifests may use as graders for
        reinforcement fine-tuning.
    engines
        The enabled training engines, by their names in the catalog (`tunedrop/catalog/engines.toml`):
        `bedrock`; `mantle` for reinforcement of gpt-oss adds permissions; `sagemaker-serverless` for open
        weights and `sagemaker-jumpstart` for continued pre-training add roles and permissions.
    accept_eula
        Base models, by their ids in the catalog, whose licences you have read and accept for every run.
    rules
        Changes to the rules that datasets are checked by: `severity` by code, such as `{"TD061": "error"}`,
        and `thresholds` by name, such as `{"duplicates": 0.5}`. A manifest may change them further, but may
        not lower a rule that is an error here.
    allow_commitment
        Whether manifests may use provisioned throughput with a term of one or six months.
    evaluation_requests_per_minute
        The request rate of evaluations; 0 uses the base model's documented limit.
    evaluation_shard_prompts, validation_shard_bytes, shard_concurrency
        The maximum number of held-out prompts, and bytes of a dataset, for a single function. Larger inputs
        are split into shards of at most this size, with this many shards of a run in parallel.
    general_ability
        The default for manifests: whether to test general ability with all shipped prompts, with this number
        of them, or not at all.
    min_improvement, confidence
        The defaults for manifests: the required improvement on a 0 to 1 scale, and the confidence of the
        verdict.
    max_open_runs
        The maximum number of runs that are open at once, waiting ones included: per tenant, or of the whole
        stage without `tenants`. A run above it is refused with a notification, and can be resumed later.
    upload_grace_seconds
        How long S3's event may be late before an upload counts as missed.
    network
        The subnets and security groups of a VPC for the functions; by default they run outside a VPC.
    kms_key
        Your own KMS key for buckets, tables, topics and models, in the stage's account and Region. Its policy
        must allow CloudWatch (and AWS Budgets, with `cost_budget`) to publish to an encrypted topic. By
        default the stack creates a key.
    tags
        Tags for every resource of the stack, such as a cost centre.
    notification_emails
        Recipients of all run results, approval requests and alarms; each confirms the subscription once.
    notify
        Groups of addresses by name, such as `{"support": ["ana@example.com"]}`. A manifest may name a group
        or one of its addresses as recipient of its notifications; a group with the name of a tenant receives
        the notifications of all runs of that tenant.
    resume_minutes, sweep_minutes
        The intervals of the schedules that check for lost events, and so the longest delay of a lost event.
    cost_budget
        Whether to create an AWS Budget of `monthly_budget_usd` on the stack's cost tag.
    chat_notifications
        Whether to publish notifications on a second topic in the schema of AWS's chat client, with buttons
        for approval requests.
    slack, teams
        The channel that receives them, so that nothing remains to be configured; whoever can write there can
        approve and stop runs. Without it, configure a channel in the console.
    report_links, report_link_hours
        The target of report links in mails and chat: `console` (requires an AWS sign-in), `presigned` (the
        file itself, for at most this many hours), or the https address of a server for the bucket.
    stable_arn
        The default for manifests: whether a promoted model replaces the production model behind the same
        ARN.
    mlflow
        The MLflow tracking server that runs are sent to when they end.
    event_bus
        The name of an existing event bus in this account for the results of all runs.
    permissions_boundary
        The name of a managed policy that bounds every role, if your account requires one.
    architecture, python_version
        The architecture and Python version of the functions.
    local
        Whether this is the embedded AWS of `local/`.
    """

    name: Annotated[str, msgspec.Meta(pattern=f"^[a-z][a-z0-9]{{0,{MAX_STAGE - 1}}}$")]
    default_base_model: str
    budget_usd: Dollars
    monthly_budget_usd: Dollars
    customization_quota: Annotated[int, msgspec.Meta(ge=1, le=10)] = 10
    approval_timeout_seconds: Seconds = 259_200
    throughput_expiry_seconds: Seconds = 14_400
    base_model_idle_seconds: Annotated[int, msgspec.Meta(ge=3_600)] = 259_200
    stalled_after_seconds: Annotated[int, msgspec.Meta(ge=3_600)] = 86_400
    stop_stalled: bool = False
    succession: bool = False
    removal: Literal["retain", "destroy"] = "retain"
    log_retention: Retention = "one_year"
    when_unanswered: Literal["refuse", "approve"] = "refuse"
    over_monthly_budget: Literal["ask", "refuse"] = "ask"
    upload_grace_seconds: Annotated[int, msgspec.Meta(ge=5)] = 600
    max_open_runs: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 500
    intake_bucket: Bucket | None = None
    artifacts_bucket: Bucket | None = None
    data_buckets: tuple[Bucket, ...] = ()
    tenants: dict[Tenant, tuple[Prefix, ...]] = {}
    tenant_budgets_usd: dict[Tenant, Dollars] = {}
    data_bucket_keys: tuple[KeyArn, ...] = ()
    graders: tuple[FunctionArn, ...] = ()
    engines: tuple[str, ...] = ("bedrock",)
    accept_eula: tuple[str, ...] = ()
    rules: RuleSettings = RuleSettings()
    allow_commitment: bool = False
    stable_arn: bool = False
    evaluation_requests_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    evaluation_shard_prompts: Annotated[int, msgspec.Meta(ge=1)] = 500
    validation_shard_bytes: Annotated[int, msgspec.Meta(ge=100_000, le=256 << 20)] = 128 << 20
    shard_concurrency: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    min_improvement: Share = 0.02
    confidence: Annotated[float, msgspec.Meta(ge=0.8, le=0.999)] = 0.95
    general_ability: bool | PromptCount = True
    network: Network | None = None
    kms_key: KeyArn | None = None
    tags: Annotated[dict[TagKey, TagValue], msgspec.Meta(max_length=49)] = {}
    notification_emails: tuple[Email, ...] = ()
    notify: dict[Tenant, tuple[Email, ...]] = {}
    resume_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 1
    sweep_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    cost_budget: bool = False
    chat_notifications: bool = False
    slack: Slack | None = None
    teams: Teams | None = None
    report_links: ReportLinks = "console"
    report_link_hours: Annotated[int, msgspec.Meta(ge=1, le=12)] = 12
    event_bus: Annotated[str, msgspec.Meta(pattern=r"^[/.\-_A-Za-z0-9]{1,256}$")] = "default"
    mlflow: Mlflow | None = None
    permissions_boundary: str | None = None
    architecture: Literal["arm64", "x86_64"] = "arm64"
    python_version: Literal["3.12", "3.13"] = "3.13"
    local: bool = False

    @property
    def has_chat(self) -> bool:
        """Whether notifications are published for a chat."""
        return self.chat_notifications or self.slack is not None or self.teams is not None

    @property
    def retains(self) -> bool:
        """Whether data outlives the stack."""
        return self.removal == "retain"


class StageSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of `cdk.json`.

    Attributes
    ----------
    account, region
        Where to deploy. Left out: the account and Region of the CDK CLI's credentials.
    """

    account: Annotated[str, msgspec.Meta(pattern="^[0-9]{12}$")] | None = None
    region: Annotated[str, msgspec.Meta(pattern="^[a-z]{2}(-[a-z]+)+-[0-9]$")] | None = None


def check(settings: Settings, where: str) -> None:
    """Refuse settings that Python let be made but that are wrong: it checks no types and no ranges.

    Parameters
    ----------
    where
        What the message begins with, such as the construct's path.

    Raises
    ------
    SettingsError
        The message names the key.
    """
    try:
        msgspec.convert(msgspec.to_builtins(settings), type(settings))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}{_explain(error)}") from error
    contradictions.refuse(where, settings)


def read(stages: Any, name: Any) -> StageSettings:
    """The settings of one stage.

    Parameters
    ----------
    stages
        The context value `stages`: an object of stages by name.
    name
        The context value `stage`.

    Raises
    ------
    SettingsError
        When there is no such stage, or a key or value of it is wrong; the message names the key.
    """
    if not isinstance(stages, Mapping) or not stages:
        raise SettingsError('cdk.json: context.stages must be an object such as {"dev": {...}}')
    if name is None:
        deployable = [
            one for one in stages if not (isinstance(stages[one], Mapping) and stages[one].get("local"))
        ]
        raise SettingsError(f"say which stage: -c stage=NAME; cdk.json has {', '.join(deployable or stages)}")
    if name not in stages:
        raise SettingsError(
            f"cdk.json: there is no stage {name!r}; {contradictions.hint(str(name), list(stages))}"
        )
    where = f"cdk.json: stages.{name}"
    given = stages[name]
    if not isinstance(given, Mapping):
        raise SettingsError(f"{where} must be an object")
    _refuse_unknown_keys(where, given)
    try:
        settings = msgspec.convert({**given, "name": name}, StageSettings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}{_explain(error)}") from error
    contradictions.refuse(where, settings)
    return settings


def environment(settings: StageSettings) -> dict[str, str | None]:
    """Account and Region to deploy to: the stage's own, else those of the CDK CLI's credentials."""
    return {
        "account": settings.account or os.environ.get("CDK_DEFAULT_ACCOUNT"),
        "region": settings.region or os.environ.get("CDK_DEFAULT_REGION"),
    }


def _refuse_unknown_keys(where: str, given: Mapping[str, Any]) -> None:
    known = [field for field in StageSettings.__struct_fields__ if field != "name"]
    for key in given:
        if key not in known:
            raise SettingsError(f"{where}.{key} is not a setting; {contradictions.hint(key, known)}")


def _explain(error: msgspec.ValidationError) -> str:
    """msgspec ends its message with the path, as in "Expected `int`, got `str` - at `$.budget_usd`", or
    "… - at `key` in `$.tags`"."""
    found = re.fullmatch(r"(.*) - at `(?:(key)` in `)?\$(.*?)`", str(error), flags=re.DOTALL)
    if found is None:
        return f": {error}"
    message, of_key, path = found.groups()
    return f"{path}{' (a key of it)' if of_key else ''}: {message}"

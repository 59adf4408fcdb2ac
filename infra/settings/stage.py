"""The settings of a stage: the properties of the construct `infra.Tunedrop`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from infra.settings.connections import Mlflow, Network, Slack, Teams
from infra.settings.types import (
    Bucket,
    Dollars,
    Email,
    FunctionArn,
    KeyArn,
    Prefix,
    PromptCount,
    ReportLinks,
    Retention,
    Seconds,
    Share,
    TagKey,
    TagValue,
    Tenant,
)
from tunedrop.contracts import RuleSettings
from tunedrop.naming import MAX_STAGE

MOST_TAGS = 48
"""A bucket has at most 50 (S3 user guide, CostAllocTagging, read 2026-11-30): two are the stage's, with its
name and, if it goes with its stack, its removal."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage before it is deployed: the properties of the construct. Money is in US dollars.

    Attributes
    ----------
    name
        The name of the stage, a part of the names of its functions, parameters and models.
    default_base_model
        The base model for manifests without one, by its id in the catalog.
    budget_usd
        The cost, at the high end of its estimate, above which a run asks for approval; a manifest may set
        another budget.
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
        `runs/<name>/`, where datasets are runs named `<name>/…`, and its manifests may use only data there
        and in the listed prefixes, such as `s3://company-data/support/`. Without tenants, all users may use
        all data in the intake bucket and the data buckets.
    tenant_budgets_usd
        Monthly budgets of tenants, within the budget of all runs.
    data_bucket_keys
        ARNs of the KMS keys that encrypt `data_buckets`.
    graders
        ARNs of Lambda functions in the stage's account and Region that manifests may use as graders for
        reinforcement fine-tuning.
    engines
        The enabled training engines, by their names in the catalog (`tunedrop/catalog/engines.toml`):
        `bedrock`; `mantle` for reinforcement of gpt-oss and Qwen3 32B adds permissions;
        `sagemaker-serverless` for open weights and `sagemaker-jumpstart` for continued pre-training add roles
        and permissions. Before you remove one, delete what its runs have (`tunedrop teardown`): the
        stage's functions lose the permission to, and the sweep reports such runs.
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
    judge
        The model that judges open text in runs whose manifests leave `evaluation.judge` at `auto`: an active
        model of the catalog whose token prices are known, such as `amazon.nova-pro-v1:0`. Without it, several
        overlap metrics have to agree on open text.
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
        Tags for every resource of the stack, such as a cost centre; at most 48, together of 4,000 bytes, none
        of which begins with `tunedrop:`.
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

    name: Annotated[
        str,
        msgspec.Meta(
            pattern=f"^[a-z][a-z0-9]{{0,{MAX_STAGE - 1}}}$",
            description=f"a name of at most {MAX_STAGE} lower-case letters and digits, a letter first",
        ),
    ]
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
    judge: str = ""
    network: Network | None = None
    kms_key: KeyArn | None = None
    tags: Annotated[dict[TagKey, TagValue], msgspec.Meta(max_length=MOST_TAGS)] = {}
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
    event_bus: Annotated[
        str, msgspec.Meta(pattern=r"^[/.\-_A-Za-z0-9]{1,256}$", description="the name of an event bus")
    ] = "default"
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

    account: (
        Annotated[
            str, msgspec.Meta(pattern="^[0-9]{12}$", description="an account id of 12 digits, as a string")
        ]
        | None
    ) = None
    region: (
        Annotated[
            str, msgspec.Meta(pattern="^[a-z]{2}(-[a-z]+)+-[0-9]$", description="a Region such as us-east-1")
        ]
        | None
    ) = None

"""The names, ARNs, defaults and limits of a stage, for its deployed parts.

The stack writes it once, as JSON: to every function as the environment variable `TUNEDROP_STAGE`, and to
the SSM parameter `/tunedrop/<stage>/stage`, where the command line reads it.
"""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from tunedrop.contracts import RuleSettings

ENVIRONMENT_VARIABLE = "TUNEDROP_STAGE"


def parameter_name(stage: str) -> str:
    """The SSM parameter that describes a deployed stage."""
    return f"/tunedrop/{stage}/stage"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed stage. Durations are seconds, money US dollars.

    `data_buckets` may hold data files besides the intake bucket; `graders` are the ARNs of the functions that
    may grade answers besides the stage's own; `customization_quota` is the maximum of concurrent
    customization jobs of this stage (Bedrock allows 10 per account and Region, quota L-0406044C).
    `tenants` share the intake bucket: each uploads below its own name, and reads there and below its
    prefixes; `tenant_budgets_usd` are their monthly budgets. `notify` are groups of addresses, which a
    manifest may name; a tenant's group has the tenant's name.
    `when_unanswered` says what happens to a run that is not approved within `approval_timeout_seconds`;
    `upload_grace_seconds` is how long S3's event of an upload may take before the upload counts as missed,
    `sweep_minutes` the time between two turns of the sweep, which starts missed uploads.
    `max_open_runs` is the maximum of concurrently open runs of a tenant, or of a stage without tenants.
    A customization job that has not started training after `stalled_after_seconds` (0: no limit) is
    reported, and also stopped if `stop_stalled` is set.
    `report_links` is the target of links in messages: the `console`, the file itself for `report_link_hours`
    (`presigned`), or a URL that serves the bucket.
    `succession`: when the base model of a model in production becomes Legacy, a run on its successor starts.
    An imported base model that no run has needed for `base_model_idle_seconds` is deleted.
    `mlflow_tracking_uri` is the server that ended runs are sent to, `mlflow_header_parameter` the SSM
    parameter with the authorization header.
    `engines` are the training engines in use, by their names in the catalog; `training_role_arns` the roles
    of the jobs of those that declare one. `accept_eula` are the base models whose licence is accepted for all
    runs. `rules` are changes to the rules for data.
    `judge` is the model that judges open text unless a manifest says otherwise; empty for none.
    `evaluation_shard_prompts` is the maximum of held-out prompts that one function evaluates; more are
    evaluated in shards of this size. `validation_shard_bytes` is the same for the bytes of a dataset.
    `shard_concurrency` is the number of shards of one run that are processed in parallel.
    """

    name: str
    account: str
    region: str
    intake_bucket: str
    artifacts_bucket: str
    registry_table: str
    waits_table: str
    topic_arn: str
    bedrock_role_arn: str
    key_arn: str
    default_base_model: str
    budget_usd: float
    monthly_budget_usd: float
    customization_quota: int
    approval_timeout_seconds: int
    throughput_expiry_seconds: int
    base_model_idle_seconds: int = 259_200
    stalled_after_seconds: int = 86_400
    stop_stalled: bool = False
    succession: bool = False
    when_unanswered: Literal["refuse", "approve"] = "refuse"
    over_monthly_budget: Literal["ask", "refuse"] = "ask"
    upload_grace_seconds: int = 600
    sweep_minutes: int = 5
    max_open_runs: int = 500
    chat_topic_arn: str = ""
    event_bus: str = "default"
    data_buckets: tuple[str, ...] = ()
    tenants: dict[str, tuple[str, ...]] = {}
    tenant_budgets_usd: dict[str, float] = {}
    notify: dict[str, tuple[str, ...]] = {}
    graders: tuple[str, ...] = ()
    allow_commitment: bool = False
    stable_arn: bool = False
    evaluation_requests_per_minute: int = 0
    evaluation_shard_prompts: int = 500
    validation_shard_bytes: int = 128 << 20
    shard_concurrency: int = 8
    min_improvement: float = 0.02
    confidence: float = 0.95
    general_ability: bool | int = True
    judge: str = ""
    evaluation_role_arn: str = ""
    report_links: str = "console"
    report_link_hours: int = 12
    import_role_arn: str = ""
    training_role_arns: dict[str, str] = {}
    mlflow_tracking_uri: str = ""
    mlflow_header_parameter: str = ""
    engines: tuple[str, ...] = ("bedrock",)
    accept_eula: tuple[str, ...] = ()
    rules: RuleSettings = RuleSettings()

    def is_of(self, arn: str) -> bool:
        """Whether an ARN is of the stage's account and Region: its functions may ask about no other."""
        return f":{self.region}:{self.account}:" in arn

    @property
    def workflow_arn(self) -> str:
        """The state machine; each run is one of its executions."""
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:tunedrop-{self.name}"

    @property
    def grader_arn(self) -> str:
        """The stage's built-in grader for reinforcement."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:tunedrop-{self.name}-grade-answers"

    @property
    def allowed_graders(self) -> tuple[str, ...]:
        """The ARNs of the graders that a manifest may name: the stage's own, then those of its settings."""
        return (self.grader_arn, *self.graders)

    @property
    def reward_function_arn(self) -> str:
        """The function that passes rollouts to a run's grader, for engines that cannot call it themselves."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:tunedrop-{self.name}-grade-rollouts"

    @property
    def alias_prefix(self) -> str:
        """The path of the SSM parameters that name the models in production."""
        return f"/tunedrop/{self.name}/models"


def as_json(stage: Stage) -> str:
    """The description that functions and command line read."""
    return msgspec.json.encode(stage).decode()


def from_environment() -> Stage:
    """The stage that this function belongs to.

    Raises
    ------
    RuntimeError
        If the environment variable is missing or does not describe a stage.
    """
    try:
        return msgspec.json.decode(os.environ[ENVIRONMENT_VARIABLE], type=Stage)
    except (KeyError, msgspec.MsgspecError) as error:
        raise RuntimeError(f"{ENVIRONMENT_VARIABLE} does not describe a stage: {error}") from error

"""The request of a user, and the run that is created from it."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop import escaping

Method = Literal[
    "instruction",
    "single-turn",
    "multi-turn",
    "continued-pretraining",
    "preference",
    "distillation",
    "reinforcement",
    "image-caption",
]
"""The ways to adapt a base model that a manifest can ask for, beside `auto`; images with captions are checked
and not trained on: their models answer with what no metric here can score."""

Way = str
"""How a tuned model is served, by the name of its kind: `on-demand`, `provisioned`, `imported` or `mantle`
(`tunedrop.serving.kinds`)."""

Commitment = Literal["none", "1-month", "6-months"]


class S3Object(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one object; `version_id` is empty where the bucket is not versioned.

    There, `etag` may say what the object was: one that was replaced since is not read. `more` are the objects
    that follow it, where several are one data file: shards.
    """

    bucket: str
    key: str
    version_id: str = ""
    more: tuple[S3Object, ...] = ()
    etag: str = ""

    @property
    def uri(self) -> str:
        """For people: a key may hold anything."""
        return escaping.line(f"s3://{self.bucket}/{self.key}")

    @property
    def objects(self) -> tuple[S3Object, ...]:
        """All of them, each by itself."""
        return (msgspec.structs.replace(self, more=()), *self.more)


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How data files are read where their bytes do not say it.

    Attributes
    ----------
    encoding
        Of texts; found where it is empty.
    columns
        For `prompt`, `completion`, `system`, `chosen` or `rejected`, the name (or the number from 1) of its
        column or key.
    """

    encoding: str = ""
    columns: dict[str, str] = {}


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes to the rules that datasets are checked by.

    Attributes
    ----------
    severity
        By the code of a rule, such as `{TD061: error, TD060: off}`: `error` stops the run, `warning` does
        not, `off` skips the rule. Errors cannot be lowered, except TD054.
    thresholds
        By name, such as `{duplicates: 0.5, rare_label: 10}`; docs/rules.md lists them.
    """

    severity: dict[str, Literal["error", "warning", "off"]] = {}
    thresholds: dict[str, float] = {}


class DeploymentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The serving mode of the tuned model, and how long it is kept after the evaluation.

    `keep_for_seconds` None keeps a promoted model where that costs nothing while idle (an on-demand
    deployment) and releases everything else; 0 releases all. `stable_arn`: a model that passes takes the
    place of the one in production behind the ARN that serves it, so that clients that pinned the ARN go on.
    """

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for_seconds: int | None = None
    stable_arn: bool = False


JudgedVia = Literal["converse", "evaluation-job"]
"""The Bedrock API that invokes a judge."""

MOST_IN_EVALUATION_JOB = 1_000
"""Prompts that one of Bedrock's evaluation jobs takes with a judge (user guide,
model-evaluation-prompt-datasets-judge, read 2026-11-23)."""

Metric = Literal[
    "auto", "accuracy", "macro_f1", "exact_match", "normalized_match", "token_f1", "squad_f1", "rouge_l",
    "chrf",
    "json_fields", "json_valid", "judge",
]  # fmt: skip
"""The deciding metric: by name, the judge, or automatic."""


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A model that compares two answers, or rates each of them, by a rubric.

    `model` is what Converse takes: a model id, or an inference profile. `via` Converse, each pair is compared
    in both orders, and `rubric` empty is the shipped one. `via` Bedrock's own evaluation jobs, each answer is
    rated by itself, from 0 to 1, and `rubric` empty is Bedrock's own Correctness. `open_text_only`: it is
    called only where it decides, which is on open text.
    """

    model: str
    rubric: str = ""
    via: JudgedVia = "converse"
    open_text_only: bool = False


class EvaluationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a tuned model counts as better. Scores and `min_improvement` are on a 0 to 1 scale.

    `general_ability`: on how many of the shipped prompts the tuned model must also keep up with its base;
    true is all, false none. `few_shot`: how many training examples the base model gets in its prompt, as one
    more model to compare with; 0 for none.
    """

    metric: Metric = "auto"
    min_improvement: float = 0.02
    confidence: float = 0.95
    max_prompts: int = 500
    judge: JudgeSettings | None = None
    general_ability: bool | int = True
    few_shot: int = 0

    @property
    def judge_may_decide(self) -> bool:
        """Whether the judge decides: as `metric` says, or on open text where that is `auto`."""
        return self.judge is not None and self.metric in ("judge", "auto")


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """The model that distillation learns from; `max_response_length` is tokens of one of its answers."""

    model: str
    max_response_length: int


class Retune(msgspec.Struct, frozen=True, kw_only=True):
    """When to tune again on the same files; `data_bytes` is what they held when this run began."""

    when_grown_by: float
    at_most_every_seconds: int
    data_bytes: int


class TrainingStage(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier training phase; the run continues with its model."""

    train: S3Object
    validation: S3Object | None = None
    method: Method | Literal["auto"] = "auto"
    hyperparameters: dict[str, str] = {}
    reading: ReadOptions = ReadOptions()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, with everything resolved: the manifest, the stage's defaults, the object versions.

    `method` is `auto` until validate_data has read the records; later steps use `Dataset.method`.
    `attempt` counts its executions: `tunedrop retry` begins another, at `resumed_at`.

    Where it ended inconclusive, that other one re-evaluates the same model: `evaluation_attempt` is the
    attempt at which the present evaluation began, `more_test` what a retry has brought beside the held-out
    records that were split off.

    `spent_before_usd` is what the attempts before have cost: `jobs_before` are their last jobs, by ARN, and
    `evaluated_before_usd` the part for answers that the present evaluation goes on with, and counts itself.
    `trained_before`: a job of theirs has given the run its model.

    A run trains more than once where it has `earlier_stages`, each tuned further by the next and the last by
    the run's own data, or `candidates`, the hyperparameters of a search. `parent_model` is the ARN of a
    custom model to begin with instead of the base model itself. `teacher` is who writes a distillation's
    answers, `grader` the ARN of the function that grades those of reinforcement. `accept_eula`: a person has
    accepted the licence of the base model. `succeeds` is the Legacy base model in place of which the stage
    tunes this one by itself (`succession`), `left_out` the manifest's hyperparameters that this one does not
    take. `tenant` is whose upload it is, where the stage has
    tenants.
    """

    run_id: str
    name: str
    source: S3Object
    train: S3Object
    validation: S3Object | None = None
    test: S3Object | None = None
    reading: ReadOptions = ReadOptions()
    rules: RuleSettings = RuleSettings()
    method: Method | Literal["auto"] = "auto"
    base_model: str = ""
    parent_model: str = ""
    hyperparameters: dict[str, str] = {}
    earlier_stages: tuple[TrainingStage, ...] = ()
    candidates: tuple[dict[str, str], ...] = ()
    keep_models: bool = False
    again: bool = False
    teacher: Teacher | None = None
    grader: str = ""
    accept_eula: bool = False
    retune: Retune | None = None
    succeeds: str = ""
    left_out: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    budget_usd: float = 0.0
    deployment: DeploymentSettings = DeploymentSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    uploaded_by: str = ""
    tenant: str = ""
    created_at: str = ""
    execution_arn: str = ""
    attempt: int = 1
    resumed_at: str = ""
    evaluation_attempt: int = 1
    more_test: S3Object | None = None
    spent_before_usd: float = 0.0
    evaluated_before_usd: float = 0.0
    jobs_before: tuple[str, ...] = ()
    trained_before: bool = False

    @property
    def is_trained(self) -> bool:
        """Whether an earlier attempt trained the model: this one trains nothing."""
        return self.trained_before or self.is_reevaluated

    @property
    def is_reevaluated(self) -> bool:
        """Whether this attempt re-evaluates a model that was trained before."""
        return self.evaluation_attempt > 1


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not finish: an error name for programs, a cause for people."""

    error: str
    cause: str
    step: str = ""

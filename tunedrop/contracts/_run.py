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
"""The tuning methods that a manifest can request, besides `auto`. Datasets for `image-caption` are checked
but not trained on, because no metric here can score images."""

Way = str
"""The serving mode of a tuned model: `on-demand`, `provisioned`, `imported` or `mantle`
(`tunedrop.serving.kinds`)."""

Commitment = Literal["none", "1-month", "6-months"]


class S3Object(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an object; `version_id` is empty if the bucket is not versioned.

    In such a bucket, `etag` may pin the content: an object that has been replaced since is not read. `more`
    holds the other shards of a data file that consists of several objects.
    """

    bucket: str
    key: str
    version_id: str = ""
    more: tuple[S3Object, ...] = ()
    etag: str = ""

    @property
    def uri(self) -> str:
        """The URI for people, escaped, because a key may contain any character."""
        return escaping.line(f"s3://{self.bucket}/{self.key}")

    @property
    def objects(self) -> tuple[S3Object, ...]:
        """This object and `more`, each as an object of its own."""
        return (msgspec.structs.replace(self, more=()), *self.more)


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to read data files whose bytes do not show it.

    Attributes
    ----------
    encoding
        The encoding of text files; empty: detected.
    columns
        The name of the column or key for `prompt`, `completion`, `system`, `chosen` or `rejected`, or the
        number of the column, starting at 1.
    """

    encoding: str = ""
    columns: dict[str, str] = {}


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes to the rules that datasets are checked against.

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

    If `keep_for_seconds` is None, a promoted model stays in service if that is free while idle (an on-demand
    deployment), and everything else is released; 0 releases everything. With `stable_arn`, a model that
    passes replaces the production model behind the same ARN, so that clients that pinned the ARN keep
    working.
    """

    mode: Literal["auto", "on-demand", "provisioned"] = "auto"
    model_units: int = 1
    commitment: Commitment = "none"
    keep_for_seconds: int | None = None
    stable_arn: bool = False


JudgedVia = Literal["converse", "evaluation-job"]
"""The Bedrock API that invokes a judge."""

MOST_IN_EVALUATION_JOB = 1_000
"""The maximum number of prompts of an evaluation job with a judge (Bedrock user guide,
model-evaluation-prompt-datasets-judge, read 2026-11-23)."""

Metric = Literal[
    "auto", "accuracy", "macro_f1", "exact_match", "normalized_match", "token_f1", "squad_f1", "rouge_l",
    "chrf",
    "json_fields", "json_valid", "judge",
]  # fmt: skip
"""The deciding metric: its name, `judge`, or `auto`."""


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A model that compares two answers, or rates each of them, by a rubric.

    `model` is the modelId for Converse: a model id, or an inference profile. With `via` `converse`, each pair
    of answers is compared in both orders; an empty `rubric` selects the shipped one. With `evaluation-job`,
    each answer is rated separately, from 0 to 1; an empty `rubric` selects Bedrock's own Correctness. With
    `open_text_only`, the judge is called only for open text, where it decides.
    """

    model: str
    rubric: str = ""
    via: JudgedVia = "converse"
    open_text_only: bool = False


class EvaluationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a tuned model counts as better. Scores and `min_improvement` are on a 0 to 1 scale.

    `general_ability` is the number of shipped prompts on which the tuned model must not be worse than its
    base; true: all, false: none. `few_shot` is the number of training examples in the prompt of an additional
    base model to compare with; 0: no such comparison.
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
        """Whether the judge may decide: always if `metric` is `judge`, on open text if it is `auto`."""
        return self.judge is not None and self.metric in ("judge", "auto")


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """The teacher of a distillation; `max_response_length` is the maximum number of tokens per answer."""

    model: str
    max_response_length: int


class Retune(msgspec.Struct, frozen=True, kw_only=True):
    """When to tune again on the same files; `data_bytes` is their size when this run began."""

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
    """A run whose settings are all resolved: the manifest, the stage's defaults, the object versions.

    `method` is `auto` until validate_data has read the records; later steps use `Dataset.method`. `attempt`
    counts its executions: `tunedrop retry` starts the next one, at `resumed_at`.

    A retry of an inconclusive run re-evaluates the same model: `evaluation_attempt` is the attempt in which
    the current evaluation began, and `more_test` the records that a retry has added to the held-out ones.

    `spent_before_usd` is the cost of earlier attempts; `jobs_before` are the ARNs of their last jobs, and
    `evaluated_before_usd` is the cost of those of their answers that the current evaluation reuses and counts
    itself. `trained_before`: one of their jobs has produced the run's model.

    A run trains several times if it has `earlier_stages`, training phases that each tune the model of the
    previous one, or `candidates`, the hyperparameters of a search. `parent_model` is the ARN of a custom
    model to tune instead of the base model. `teacher` writes the answers of a distillation; `grader` is the
    ARN of the function that grades the answers of reinforcement. `accept_eula`: a person has accepted the
    licence of the base model. `succeeds` is the Legacy base model that this run's base model replaces
    (`succession`), `left_out` the hyperparameters of the manifest that the new one does not support. `tenant`
    is the tenant of the upload, if the stage has tenants.
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
        """Whether an earlier attempt has trained the model, so that this one does not."""
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

"""The typed input and output of every step: the one place where they are defined.

Step Functions carries these as JSON; `msgspec.convert` reads them at the edge of a handler and
`msgspec.to_builtins` writes them back. Money is in US dollars, time in ISO 8601 UTC, durations in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Method = Literal[
    "instruction",
    "single-turn",
    "multi-turn",
    "continued-pretraining",
    "distillation",
    "reinforcement",
    "image-caption",
]
"""The ways to adapt a base model that a manifest can ask for, beside `auto`; images with captions are checked
and not trained on: their models answer with what no metric here can score."""

Way = Literal["on-demand", "provisioned"]
"""How a custom model is served: a custom model deployment, or provisioned throughput."""

Commitment = Literal["none", "1-month", "6-months"]


# --- what a person asked for -------------------------------------------------------------------------------


class S3Object(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one object; `version_id` is empty where the bucket is not versioned."""

    bucket: str
    key: str
    version_id: str = ""

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class DeploymentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the tuned model is to be served, and how long it stays in service after evaluation.

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
"""Through which API of Bedrock's a judge is asked."""

MOST_IN_EVALUATION_JOB = 1_000
"""Prompts that one of Bedrock's evaluation jobs takes with a judge (user guide,
model-evaluation-prompt-datasets-judge, read 2026-11-23)."""

Metric = Literal[
    "auto", "accuracy", "macro_f1", "exact_match", "normalized_match", "token_f1", "rouge_l", "chrf",
    "json_fields", "json_valid", "judge",
]  # fmt: skip
"""What may decide: a metric by its name, the judge, or whatever fits the answers."""


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A model that says which of two answers is better, or how good each is, by a rubric.

    `model` is what Converse takes: a model id, or an inference profile. `via` Converse, each pair is compared
    in both orders, and `rubric` empty is the shipped one. `via` Bedrock's own evaluation jobs, each answer is
    rated by itself, from 0 to 1, and `rubric` empty is Bedrock's own Correctness.
    """

    model: str
    rubric: str = ""
    via: JudgedVia = "converse"


class EvaluationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a tuned model counts as better. Scores and `min_improvement` are on a 0 to 1 scale.

    `general_ability`: whether the tuned model must also keep up with its base on the shipped prompts.
    """

    metric: Metric = "auto"
    min_improvement: float = 0.02
    confidence: float = 0.95
    max_prompts: int = 500
    judge: JudgeSettings | None = None
    general_ability: bool = True


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
    """A customization job that comes before the run's own, which goes on with its model."""

    train: S3Object
    validation: S3Object | None = None
    method: Method | Literal["auto"] = "auto"
    hyperparameters: dict[str, str] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run, with everything resolved: the manifest, the stage's defaults, the object versions.

    `method` is `auto` until validate_data has read the records; later steps use `Dataset.method`.
    `attempt` counts its executions: `tunedrop retry` begins another, at `resumed_at`.

    Where it ended undecided, that other one evaluates the same model anew: `evaluation_attempt` is the
    attempt at which the present evaluation began, `more_test` what a retry has brought beside the held-out
    records that were split off, `spent_before_usd` what the attempts before have cost.

    A run trains more than once where it has `earlier_stages`, each tuned further by the next and the last by
    the run's own data, or `candidates`, the hyperparameters of a search. `parent_model` is the ARN of a
    custom model to begin with instead of the base model itself. `teacher` is who writes a distillation's
    answers, `grader` the ARN of the function that grades those of reinforcement.
    """

    run_id: str
    name: str
    source: S3Object
    train: S3Object
    validation: S3Object | None = None
    test: S3Object | None = None
    method: Method | Literal["auto"] = "auto"
    base_model: str = ""
    parent_model: str = ""
    hyperparameters: dict[str, str] = {}
    earlier_stages: tuple[TrainingStage, ...] = ()
    candidates: tuple[dict[str, str], ...] = ()
    keep_models: bool = False
    teacher: Teacher | None = None
    grader: str = ""
    retune: Retune | None = None
    budget_usd: float = 0.0
    deployment: DeploymentSettings = DeploymentSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    uploaded_by: str = ""
    created_at: str = ""
    execution_arn: str = ""
    attempt: int = 1
    resumed_at: str = ""
    evaluation_attempt: int = 1
    more_test: S3Object | None = None
    spent_before_usd: float = 0.0

    @property
    def is_evaluated_anew(self) -> bool:
        """Whether its model was trained, and evaluated, before the evaluation that it is here for."""
        return self.evaluation_attempt > 1


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not finish: an error name for programs, a cause for people."""

    error: str
    cause: str
    step: str = ""


# --- register_run ------------------------------------------------------------------------------------------


ResumePoint = Literal["validate_data", "preflight", "set_up_throughput"]
"""The steps at which a run that has ended can go on. Where it ended undecided, validate_data checks only its
test set, and no training follows."""


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run goes on, and what it has brought with it."""

    point: ResumePoint
    dataset: Dataset | None = None
    estimate: Estimate | None = None
    started: StartedJob | None = None
    job: CompletedJob | None = None
    next_record: int = 0


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """`duplicate`: this upload already has a run. `ignored`: nothing to do. `refused`: see `failure`.

    `resumed`: a run that ended before its time, or undecided, goes on; see `resume`. One that cannot, because
    its model is gone, is `refused` with both.
    """

    outcome: Literal["registered", "resumed", "duplicate", "ignored", "refused"]
    run: Run | None = None
    failure: Failure | None = None
    resume: Resume | None = None


# --- validate_data -----------------------------------------------------------------------------------------


class Prompts(msgspec.Struct, frozen=True, kw_only=True):
    """What evaluation asks of held-out records: every turn of the assistant with all that was said before it,
    every text's second half.

    `tokens` are those of all prompts, each with its recorded answer; `unanswered` have none.
    `media` counts the images and videos that are shown, by kind.
    """

    count: int = 0
    tokens: int = 0
    unanswered: int = 0
    media: dict[str, int] = {}

    def __add__(self, other: Prompts) -> Prompts:
        return Prompts(
            count=self.count + other.count,
            tokens=self.tokens + other.tokens,
            unanswered=self.unanswered + other.unanswered,
            media={
                kind: self.media.get(kind, 0) + other.media.get(kind, 0) for kind in self.media | other.media
            },
        )

    def share(self, share: float) -> Prompts:
        """A part of them, spread evenly."""
        return Prompts(
            count=round(self.count * share),
            tokens=round(self.tokens * share),
            unanswered=round(self.unanswered * share),
            media=_shared(self.media, share),
        )


def _shared(counts: Mapping[str, int], share: float) -> dict[str, int]:
    return {kind: round(count * share) for kind, count in counts.items()}


class DatasetFile(msgspec.Struct, frozen=True, kw_only=True):
    """One split as Bedrock will read it (or, for `test`, as evaluate_model will).

    `tokens` are those of its texts; `media` counts its images, videos and documents, by kind.
    `prompts` are those of a held-out split; None where nobody has counted them.
    """

    uri: str
    records: int
    tokens: int
    bytes: int = 0
    media: dict[str, int] = {}
    prompts: Prompts | None = None

    def share(self, share: float) -> DatasetFile:
        """A part of it, spread evenly, before it is written."""
        return DatasetFile(
            uri="",
            records=round(self.records * share),
            tokens=round(self.tokens * share),
            media=_shared(self.media, share),
            prompts=self.prompts.share(share) if self.prompts is not None else None,
        )


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A validated dataset: split, converted to the base model's format, written to the artifacts bucket.

    `test` holds the held-out records in the base model's format; it is never trained on. `split_off` are
    those of them that came out of the training file, where a retry has added others. `earlier` are the
    datasets of the run's earlier stages, in order.
    """

    method: Method
    source_format: str
    target_format: Literal["prompt-completion", "converse", "text", "openai-chat", "image-caption"]
    content_hash: str
    train: DatasetFile
    validation: DatasetFile | None = None
    test: DatasetFile | None = None
    split_off: DatasetFile | None = None
    warning_count: int = 0
    report_uri: str = ""
    earlier: tuple[Dataset, ...] = ()


class ByteRange(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one file of a dataset that begin from byte `start` to before `stop`."""

    split: Literal["train", "validation", "test"]
    start: int
    stop: int


class ShardWork(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with each shard of a dataset: it is checked; or it is split, converted and written.

    `dataset` counts those of the earlier stages from 0, then comes the run's own. `method` and the shares of
    records to hold out are known once all shards have been checked.
    """

    kind: Literal["check", "prepare"]
    dataset: int = 0
    method: Method | None = None
    validation_share: float = 0.0
    test_share: float = 0.0
    near_together: bool = False


class Sharding(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset too large for one function: have this done with its shards, then call again.

    `earlier` are the datasets of earlier stages that are ready.
    """

    work: ShardWork
    shards: tuple[ByteRange, ...]
    earlier: tuple[Dataset, ...] = ()


class ShardDone(msgspec.Struct, frozen=True, kw_only=True):
    """One shard of a dataset is done; what came of it is in the artifacts bucket."""

    done: bool = True


# --- preflight and estimate_cost ---------------------------------------------------------------------------


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One preflight check. `cure` says what to do when it has not passed."""

    name: str
    passed: bool
    detail: str
    cure: str = ""


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    checks: tuple[Check, ...]


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an estimate, in USD, with where its price comes from (`source`, `priced_on` YYYY-MM-DD)."""

    item: str
    low: float
    likely: float
    high: float
    basis: str
    source: str = ""
    priced_on: str = ""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the run will cost. `approval_reasons` is empty when it may go on without being asked about.

    `evaluation_requests` is how many answers and judgements the evaluation will ask for, and
    `evaluation_minutes` how long that will take; None where the pace is not known.
    """

    lines: tuple[CostLine, ...]
    low: float
    likely: float
    high: float
    budget_usd: float
    approval_reasons: tuple[str, ...] = ()
    evaluation_requests: int = 0
    evaluation_minutes: float | None = None


class ActualCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the run has cost, as far as it can be measured; `low` and `high` say what cannot."""

    lines: tuple[CostLine, ...]
    low: float
    likely: float
    high: float


# --- start_customization and wait_for_completion -----------------------------------------------------------


class StartedJob(msgspec.Struct, frozen=True, kw_only=True):
    """`queued`: no slot was free; the run waits for one, in order of arrival, and tries again.

    A run of several jobs (`series`) comes back here whenever one has ended (`more`), until it is `finished`:
    `job` is then the one whose model is served.
    """

    outcome: Literal["started", "queued", "finished"]
    job_arn: str = ""
    job_name: str = ""
    more: bool = False
    job: CompletedJob | None = None
    series: tuple[TrainingJob, ...] = ()


class TrainingJob(msgspec.Struct, frozen=True, kw_only=True):
    """One of the several jobs of a run, as it stands: a stage, or a candidate of a search.

    `title` is for people. `chosen`: its model is the one that is served and evaluated.
    """

    title: str
    method: Method
    hyperparameters: dict[str, str]
    status: Literal["waiting", "training", "trained", "failed"] = "waiting"
    job_arn: str = ""
    job: CompletedJob | None = None
    failure: str = ""
    chosen: bool = False


class CompletedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A customization job that ended well. Losses are None when Bedrock reported none."""

    job_arn: str
    job_name: str
    model_arn: str
    output_uri: str
    training_loss: float | None = None
    validation_loss: float | None = None
    started_at: str = ""
    ended_at: str = ""


FitVerdict = Literal["overfitting", "memorising", "underfitting", "unstable", "fits", "unknown"]


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What the loss curves say of a training (rules: `tunedrop.training.fit`). Losses are the last epoch's.

    `suggested_epochs` is how many would have suited the data best, as far as the curves tell; 0: unknown.
    """

    verdict: FitVerdict
    sentence: str
    epochs: int = 0
    suggested_epochs: int = 0
    training_loss: float | None = None
    validation_loss: float | None = None
    best_validation_loss: float | None = None


WaitKind = Literal["approval", "slot", "training", "throughput", "judging"]


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A parked task token. `subject` is what the run waits for: a job or throughput ARN, else the run id.

    `arrived_at` is its place in the queue, `parked_at` when this wait began.
    """

    run_id: str
    kind: WaitKind
    subject: str
    token: str
    arrived_at: str
    parked_at: str
    expires_at: str = ""


# --- set_up_throughput and release_throughput --------------------------------------------------------------


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tuned model answers. `arn` is what inference takes as its modelId.

    `provisional`: for the evaluation only; a model that passes gets the provisioned throughput that the run
    asks for.
    """

    way: Way
    arn: str
    name: str
    model_arn: str
    status: Literal["Creating", "InService"]
    hourly_usd: float
    created_at: str
    expires_at: str
    in_service_at: str = ""
    provisional: bool = False


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What release_throughput ended, what it left running on purpose, and what it could not end."""

    released: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


# --- evaluate_model and promote_model ----------------------------------------------------------------------


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on the same held-out prompts; `low` and `high` bound the difference tuned - base."""

    metric: str
    base: float
    tuned: float
    difference: float
    low: float
    high: float
    higher_is_better: bool = True


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How one model answers: milliseconds (Bedrock's own latency), tokens an answer on average."""

    median_ms: int
    p95_ms: int
    tokens_an_answer: float


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """How well the tuned model predicts what it was trained on, and what was kept back to validate it.

    Each loss is the mean of the last epoch's rows in Bedrock's metrics files, else what the job itself
    reports; a perplexity is exp(loss), which holds if the losses are mean cross-entropies in nats a token:
    AWS does not say what they are (user guide, model-customization-analyze, read 2026-11-26). What Bedrock
    did not report is None, and `missing` says why.
    """

    training_loss: float | None = None
    training_perplexity: float | None = None
    validation_loss: float | None = None
    validation_perplexity: float | None = None
    missing: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge made of the pairs of answers: `wins` of the tuned model, `losses` to its base.

    A pair on which the judge changed its mind with the order is a tie; where it was asked `via` evaluation
    jobs, the answer that it rates higher wins. `failed` pairs got no judgement; `reason` is the first one's.
    Tokens are Bedrock's own count, or, as evaluation jobs tell none, estimated.
    """

    model: str
    wins: int
    losses: int
    ties: int
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    via: JudgedVia = "converse"
    reason: str = ""


class PromptShard(msgspec.Struct, frozen=True, kw_only=True):
    """Held-out prompts `start` up to, not with, `stop`, and this shard's part of the allowed pace."""

    start: int
    stop: int
    requests_per_minute: float


class ShardProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one shard has come. `done` False: time ran out, call again."""

    done: bool
    prompts: int


Reason = Literal["", "difference", "guarded metric", "general ability", "model in production"]
"""What a tuned model was rejected for; empty where it was not."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Base against tuned. `done` False: time ran out, call again with `next_record`; or, where there are
    `shards`, have them asked first.

    `needed` is how many held-out records it would probably take to tell, when the verdict is undecided and
    more would help. Tokens are those of all models asked, as Bedrock counted them, without the judge's.
    `champion` is the deciding metric against the model that the run's name has in production, whose score
    stands as `base`. `general` is the share of right answers to the shipped general-ability prompts; `losses`
    are those that the training ended with; `judged` is what the judge said: its win rates are the score
    called `judge`, its ratings the one called `judge_rating`. `judge_job_arn`: Bedrock's evaluation job that
    is still waited for.
    """

    done: bool
    next_record: int = 0
    verdict: Literal["promote", "reject", "undecided"] = "undecided"
    rejected_for: Reason = ""
    reason: str = ""
    metric: str = ""
    scores: tuple[Score, ...] = ()
    records: int = 0
    failed_prompts: int = 0
    needed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    base_speed: Speed | None = None
    tuned_speed: Speed | None = None
    champion: Score | None = None
    general: Score | None = None
    losses: Losses | None = None
    judged: Judged | None = None
    judge_job_arn: str = ""
    results_uri: str = ""
    shards: tuple[PromptShard, ...] = ()

    @property
    def decisive(self) -> Score | None:
        return next((score for score in self.scores if score.metric == self.metric), None)


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """The production alias (an SSM parameter) that now names this model, and what it named before.

    `model_id` is the alias's value, which inference takes. `swapped`: the model took the place of the one
    before behind that ARN; `note` says why not, where that was asked for and could not be.
    """

    alias: str
    model_arn: str
    previous_model_arn: str = ""
    model_id: str = ""
    swapped: bool = False
    note: str = ""


# --- notify ------------------------------------------------------------------------------------------------

Outcome = Literal["promoted", "rejected", "undecided", "failed", "stopped", "refused"]
"""How a run can end. `refused` is the user's to cure (data, manifest, budget); `failed` is not."""


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of a run when it ends; what did not happen is None."""

    run: Run
    dataset: Dataset | None = None
    estimate: Estimate | None = None
    started: StartedJob | None = None
    job: CompletedJob | None = None
    serving: Serving | None = None
    evaluation: Evaluation | None = None
    promotion: Promotion | None = None
    released: Released | None = None
    failure: Failure | None = None
    cost: ActualCost | None = None
    fit: Fit | None = None


class RunEnded(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, for other programs: the detail of the event `Tunedrop Run Ended`, and the message
    attribute `detail` of the notification.

    `id` is the same each time that one ending is told: events come at least once. `version` changes when a
    field changes its meaning; fields may be added. What a run has not come to is empty, 0 or null.
    """

    version: Literal["1"] = "1"
    id: str
    stage: str
    run_id: str
    name: str
    attempt: int
    outcome: Outcome
    sentence: str
    uploaded_by: str = ""
    created_at: str = ""
    base_model: str = ""
    method: str = ""
    dataset_hash: str = ""
    metric: str = ""
    scores: tuple[Score, ...] = ()
    champion: Score | None = None
    held_out_records: int = 0
    losses: Losses | None = None
    fit: Fit | None = None
    model_arn: str = ""
    alias: str = ""
    previous_model_arn: str = ""
    in_service: tuple[str, ...] = ()
    estimated_usd: float | None = None
    cost_usd: float | None = None
    failure: Failure | None = None
    execution_arn: str = ""
    report_uri: str = ""
    evaluation_uri: str = ""
    predictions_uri: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What was told. `sent` is False when this run had been notified before."""

    run_id: str
    outcome: Outcome
    subject: str
    sent: bool
    report_uri: str = ""

"""The steps evaluate_model and promote_model: the verdict on a model, and its promotion."""

from __future__ import annotations

from typing import Literal

import msgspec

from tunedrop.contracts._run import JudgedVia


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on the same held-out prompts; `low` and `high` bound the difference tuned - base."""

    metric: str
    base: float
    tuned: float
    difference: float
    low: float
    high: float
    higher_is_better: bool = True


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """The tuned model compared with another candidate, whose score is `base`.

    `name` is the constant answer (majority label or medoid), the nearest neighbour's answer, or the base
    model with examples in its prompt, which does not decide.
    """

    name: str
    score: Score


class Incomplete(msgspec.Struct, frozen=True, kw_only=True):
    """The number of truncated, filtered and empty answers of one model."""

    model: str
    truncated: int = 0
    filtered: int = 0
    empty: int = 0

    @property
    def total(self) -> int:
        return self.truncated + self.filtered + self.empty


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """The speed of one model: Bedrock's latency in milliseconds, average tokens per answer."""

    median_ms: int
    p95_ms: int
    tokens_an_answer: float


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """The losses of the tuned model on its training and validation data.

    Each loss is the mean of the last epoch's rows in Bedrock's metrics files, or else the value that the job
    reports. A perplexity is exp(loss), which assumes mean cross-entropies in nats per token; AWS does not
    document the unit (user guide, model-customization-analyze, read 2026-11-26). Values that Bedrock did not
    report are None, and `missing` says why.
    """

    training_loss: float | None = None
    training_perplexity: float | None = None
    validation_loss: float | None = None
    validation_perplexity: float | None = None
    missing: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a judge: `wins` of the tuned model, and `losses` to its base.

    A pair is a tie if the judgement depends on the order of the answers; with evaluation jobs, the answer
    with the higher rating wins. `failed` pairs have no judgement; `reason` is the first failure's. Tokens are
    Bedrock's own count; those of evaluation jobs, which report none, are estimated. `at_equal_length` is the
    tuned model's win rate without the judge's preference for long answers; None if it cannot be estimated.
    """

    model: str
    wins: int
    losses: int
    ties: int
    failed: int = 0
    at_equal_length: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    via: JudgedVia = "converse"
    reason: str = ""


class PromptShard(msgspec.Struct, frozen=True, kw_only=True):
    """The held-out prompts from `start` to before `stop`, and this shard's share of the request rate."""

    start: int
    stop: int
    requests_per_minute: float


class ShardProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of one shard. If not `done`, its time has run out: call again."""

    done: bool
    prompts: int


Reason = Literal[
    "", "difference", "free answers", "content", "guarded metric", "general ability", "model in production",
    "part", "reading", "failures", "base model", "silent production",
]  # fmt: skip
"""What prevents a promotion; empty if only records are lacking. `part`: a part of the answers is worse;
`reading`: only a reader or a judge can decide; `failures`: too few answers to compare; `base model`, `silent
production`: that model, or the one in production, could not be invoked."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of base and tuned model. If not `done`, time has run out: call again with `next_record`,
    or, if there are `shards`, after these have been processed.

    `records` is the number of prompts, `units` the number of independent units among them: conversations, and
    clusters of equivalent prompts. `attempt` counts the evaluations of this model, and `alpha` is the
    one-sided error rate of this one. `content` scores the answers without their form, `contenders` are the
    answers that a promotion has to beat, `agreement` the scores that had to agree, `incomplete` the numbers
    of truncated, filtered and empty answers of each model.

    `regressions` is the number of units whose answer is much worse than the base model's (by 0.5 or more).
    `needed` is the number of held-out units that would probably decide, if the verdict is inconclusive and
    more would help. Tokens are those of all models, as counted by Bedrock, without the judge's. `champion` is
    the deciding metric compared with the model that the run's name has in production, whose score is `base`.
    `production_gone` is the ARN in production that does not exist any more, which then counts as no
    production model. `general` is the share of correct answers to the shipped general-ability prompts;
    `losses` are the final losses of the training; `judged` is the judge's result: its win rates are the score
    `judge`, its ratings the score `judge_rating`. `judge_job_arn` is the evaluation job that the run waits
    for.
    """

    done: bool
    next_record: int = 0
    verdict: Literal["promote", "reject", "inconclusive"] = "inconclusive"
    rejected_for: Reason = ""
    reason: str = ""
    metric: str = ""
    scores: tuple[Score, ...] = ()
    records: int = 0
    units: int = 0
    attempt: int = 1
    alpha: float = 0.025
    content: Score | None = None
    contenders: tuple[Contender, ...] = ()
    agreement: tuple[str, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
    failed_prompts: int = 0
    regressions: int = 0
    needed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    base_speed: Speed | None = None
    tuned_speed: Speed | None = None
    champion: Score | None = None
    production_gone: str = ""
    general: Score | None = None
    losses: Losses | None = None
    judged: Judged | None = None
    judge_job_arn: str = ""
    results_uri: str = ""
    shards: tuple[PromptShard, ...] = ()

    @property
    def decisive(self) -> Score | None:
        return next((score for score in self.scores if score.metric == self.metric), None)

    @property
    def asked_production(self) -> bool:
        """Whether it asked a model in production, or found that it was deleted."""
        return self.champion is not None or bool(self.production_gone)


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """The production alias (an SSM parameter) that now points to this model, and the model that it pointed to
    before.

    `model_id` is the alias's value, the modelId for inference. `swapped`: the model has replaced the previous
    one behind the same ARN; if that was requested but not possible, `note` says why. `kept_until` is the time
    at which the serving resource is released, if it is billed by the hour; until `paid_until`, if it was
    swapped, an earlier run pays for it.
    """

    alias: str
    model_arn: str
    previous_model_arn: str = ""
    model_id: str = ""
    swapped: bool = False
    note: str = ""
    kept_until: str = ""
    paid_until: str = ""

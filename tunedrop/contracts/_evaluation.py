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

    `name`: the constant answer (majority label or medoid), the nearest neighbour's answer, or the base model
    with examples in its prompt, which is only shown.
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
    """The result of a judge: `wins` of the tuned model, `losses` to its base.

    A pair on which the judge changed its mind with the order is a tie; where it was asked `via` evaluation
    jobs, the answer that it rates higher wins. `failed` pairs got no judgement; `reason` is the first one's.
    Tokens are Bedrock's own count; those of evaluation jobs, which report none, are estimated.
    `at_equal_length` is the tuned model's win rate without the judge's preference for long answers; None if
    it cannot be estimated.
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
    """Held-out prompts `start` up to, not with, `stop`, and this shard's part of the allowed pace."""

    start: int
    stop: int
    requests_per_minute: float


class ShardProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one shard has come. `done` False: time ran out, call again."""

    done: bool
    prompts: int


Reason = Literal[
    "", "difference", "free answers", "content", "guarded metric", "general ability", "model in production",
    "part", "reading", "failures", "base model", "silent production",
]  # fmt: skip
"""What prevents a promotion; empty if only more records are missing. `part`: part of the answers is worse;
`reading`: only a reader or a judge can tell; `failures`: too few answers to compare; `base model` and
`silent production`: that model could not be asked."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Base against tuned. `done` False: time ran out, call again with `next_record`; or, where there are
    `shards`, have them asked first.

    `records` counts prompts, `units` what is independent among them: conversations, and clusters of prompts
    that say the same. `attempt` counts the evaluations of this model, and `alpha` is how often this one may
    err on one side. `content` is what the answers say apart from their form, `contenders` the answers that a
    promotion has to beat, `agreement` the scores that had to agree, `incomplete` the answers of each model
    that were cut, filtered or empty.

    `regressions` counts the units that got a much worse answer than from the base model (by 0.5 or more).
    `needed` is how many held-out units it would probably take to tell, when the verdict is inconclusive and
    more would help. Tokens are those of all models asked, as Bedrock counted them, without the judge's.
    `champion` is the deciding metric against the model that the run's name has in production, whose score
    stands as `base`. `production_gone` is the ARN that the name has in production and that does not exist any
    more: it then counts as none. `general` is the share of right answers to the shipped general-ability
    prompts; `losses` are those that the training ended with; `judged` is what the judge said: its win rates
    are the score called `judge`, its ratings the one called `judge_rating`. `judge_job_arn`: Bedrock's
    evaluation job that is still waited for.
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


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """The production alias (an SSM parameter) that now names this model, and what it named before.

    `model_id` is the alias's value, which inference takes. `swapped`: the model took the place of the one
    before behind that ARN; `note` says why not, if that was requested. `kept_until`: when what serves it is
    released, if it is billed by the hour.
    """

    alias: str
    model_arn: str
    previous_model_arn: str = ""
    model_id: str = ""
    swapped: bool = False
    note: str = ""
    kept_until: str = ""

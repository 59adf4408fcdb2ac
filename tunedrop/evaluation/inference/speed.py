"""How long models take to answer, how much they say, and how fast they may be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Speed
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import CONCURRENCY
from tunedrop.stage import Stage

ANSWER_SECONDS = 3.0
"""What an answer of a few hundred tokens takes at most on most models: an assumption, for estimates only."""

REQUESTS_A_FUNCTION = CONCURRENCY * 60 / ANSWER_SECONDS
"""How many requests a minute one function makes of one model at least, if so many are allowed."""


def speed(answers: Sequence[Answer]) -> Speed:
    """Latency as Bedrock tells it, and tokens an answer."""
    latencies = sorted(one.latency_ms for one in answers)
    return Speed(
        median_ms=_quantile(latencies, 0.5),
        p95_ms=_quantile(latencies, 0.95),
        tokens_an_answer=fmean(one.output_tokens for one in answers) if answers else 0.0,
    )


def requests_per_minute(stage: Stage, base_model: BaseModel) -> int:
    """How many requests a minute may be made: the stage's setting, else the model's documented limit.

    0 where neither is known. Accounts may have far less than is documented (4 a minute were reported): the
    stage's setting is there to say so.
    """
    return stage.evaluation_requests_per_minute or base_model.serving.on_demand_requests_per_minute


def functions_that_ask(prompts: int, stage: Stage, per_minute: int) -> int:
    """How many functions ask at once: as many as the prompts are worth, and as the allowed pace can feed.

    Parameters
    ----------
    per_minute
        The requests a minute that all of them together may make; 0 where that is not known.
    """
    worth = math.ceil(prompts / stage.evaluation_shard_prompts)
    fed = math.ceil(per_minute / REQUESTS_A_FUNCTION) if per_minute else worth
    return max(1, min(worth, fed, stage.shard_concurrency))


def _quantile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0

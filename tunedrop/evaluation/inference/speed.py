"""The latency of models, the length of their answers, and the request rate."""

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
"""The maximum duration of an answer of a few hundred tokens on most models; an assumption, for estimates
only."""

REQUESTS_A_FUNCTION = CONCURRENCY * 60 / ANSWER_SECONDS
"""How many requests a minute one function makes of one model at least, if so many are allowed."""


def speed(answers: Sequence[Answer]) -> Speed:
    """The latency that Bedrock reports, and the tokens per answer."""
    latencies = sorted(one.latency_ms for one in answers)
    return Speed(
        median_ms=_quantile(latencies, 0.5),
        p95_ms=_quantile(latencies, 0.95),
        tokens_an_answer=fmean(one.output_tokens for one in answers) if answers else 0.0,
    )


def requests_per_minute(stage: Stage, base_model: BaseModel) -> int:
    """The request rate per minute: the stage's setting, else the model's documented limit, or 0 if neither is
    known.

    Accounts may have a far lower limit than documented (4 per minute were reported), for which the setting
    exists.
    """
    return stage.evaluation_requests_per_minute or base_model.serving.on_demand_requests_per_minute


def functions_that_ask(prompts: int, stage: Stage, per_minute: int) -> int:
    """The number of functions that run in parallel, which depends on the number of prompts and on the request
    rate.

    Parameters
    ----------
    per_minute
        The total number of requests per minute; 0 if unknown.
    """
    worth = math.ceil(prompts / stage.evaluation_shard_prompts)
    fed = math.ceil(per_minute / REQUESTS_A_FUNCTION) if per_minute else worth
    return max(1, min(worth, fed, stage.shard_concurrency))


def _quantile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0

"""How long both models take to answer, how much they say, and how long asking them will take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, EvaluationSettings, Speed
from tunedrop.evaluation.ask import Answer
from tunedrop.stage import Stage

MODELS_ASKED = 2


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


def minutes_to_evaluate(dataset: Dataset, settings: EvaluationSettings, per_minute: int) -> float | None:
    """How long asking both models will take at that pace; None where the pace is not known."""
    if not per_minute or dataset.test is None:
        return None
    return MODELS_ASKED * min(dataset.test.records, settings.max_prompts) / per_minute


def _quantile(ordered: Sequence[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0

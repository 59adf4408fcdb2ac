"""evaluate_shard: evaluates a shard of the held-out prompts in parallel with others; evaluate_model
decides."""

from __future__ import annotations

import time

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, PromptShard, Run, Serving, ShardProgress
from tunedrop.evaluation.inference.ask import SECONDS_TO_ASK
from tunedrop.evaluation.shards import evaluate_shard
from tunedrop.evaluation.task import EvaluationTask


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset
    serving: Serving
    shard: PromptShard


@step(Input)
def handler(payload: Input, services: Services) -> ShardProgress:
    task = EvaluationTask(
        stage=services.stage,
        run=payload.run,
        dataset=payload.dataset,
        serving=payload.serving,
        base_model=catalog.find(payload.run.base_model),
    )
    return evaluate_shard(services.aws, task, payload.shard, deadline=time.monotonic() + SECONDS_TO_ASK)

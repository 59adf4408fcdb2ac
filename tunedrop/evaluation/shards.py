"""Evaluation in shards: several functions process many held-out prompts at once, within one request rate.

Each shard saves its predictions as it goes; if its function dies or runs out of time, the next one continues
after them. Merging concatenates the predictions: the same pairs in the same order as from a single function.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise, takewhile

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import PromptShard, Run, ShardProgress
from tunedrop.dataset.prepare.held_out import HeldOut
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.inference.speed import functions_that_ask
from tunedrop.evaluation.task import EvaluationTask
from tunedrop.stage import Stage

SAVE_SECONDS = 20.0
"""The maximum work, in seconds, that is lost if a function dies."""


def plan(prompts: int, stage: Stage, per_minute: int) -> tuple[PromptShard, ...]:
    """The shards for this many prompts, which run in parallel; empty if one function is enough.

    Their request rates add up to `per_minute`, the account's.
    """
    count = functions_that_ask(prompts, stage, per_minute)
    if count == 1:
        return ()
    bounds = [prompts * index // count for index in range(count + 1)]
    return tuple(
        PromptShard(start=start, stop=stop, requests_per_minute=per_minute / count)
        for start, stop in pairwise(bounds)
    )


def evaluate_shard(aws_: Aws, task: EvaluationTask, shard: PromptShard, deadline: float) -> ShardProgress:
    """Process the remaining prompts of this shard, until the deadline (`time.monotonic()`)."""
    whole = task.questions(aws_)
    task, questions = task.on(whole), whole[shard.start : shard.stop]
    done = answered(aws_, task, shard, questions)
    bucket, file = task.stage.artifacts_bucket, key(task.run, task.serving.model_arn, shard)
    saved = time.monotonic()
    for prediction in task.ask(aws_, questions[len(done) :], shard.requests_per_minute, deadline):
        done.append(prediction)
        if time.monotonic() - saved > SAVE_SECONDS:
            predictions.write(aws_.s3, bucket, file, done)
            saved = time.monotonic()
    predictions.write(aws_.s3, bucket, file, done)
    return ShardProgress(done=len(done) == len(questions), prompts=len(done))


def answered(
    aws_: Aws, task: EvaluationTask, shard: PromptShard, questions: Sequence[HeldOut]
) -> list[Prediction]:
    """The predictions that a shard has saved so far."""
    file = key(task.run, task.serving.model_arn, shard)
    kept = predictions.read(aws_.s3, task.stage.artifacts_bucket, file)
    pairs = zip(kept, questions, strict=False)
    return [prediction for prediction, _ in takewhile(_belong_together, pairs)]


def _belong_together(pair: tuple[Prediction, HeldOut]) -> bool:
    prediction, question = pair
    return (prediction.record, prediction.turn) == (question.record, question.turn)


def key(run: Run, model_arn: str, shard: PromptShard) -> str:
    """The key of a shard's predictions in a run's evaluation of this model."""
    return naming.prediction_shard_key(run.run_id, model_arn, run.evaluation_attempt, shard.start, shard.stop)

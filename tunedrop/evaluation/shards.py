"""Evaluation in shards: many held-out prompts, asked by several functions at once within one allowed pace.

Each shard keeps its own predictions as it goes; a function that dies, or whose time is up, leaves them to the
next, which goes on behind them. Merging is putting them one after the other: the same pairs in the same order
as one function would have asked.
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
"""How much of a function's work can be lost with it, at most."""


def plan(prompts: int, stage: Stage, per_minute: int) -> tuple[PromptShard, ...]:
    """The shards that ask so many prompts, all at once; none if one function does it alone.

    Their paces add up to `per_minute`, which is the account's.
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
    """Ask what this shard has not asked yet, until the deadline (`time.monotonic()`)."""
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
    """What a shard has asked so far: the answers to the first of its questions."""
    file = key(task.run, task.serving.model_arn, shard)
    kept = predictions.read(aws_.s3, task.stage.artifacts_bucket, file)
    pairs = zip(kept, questions, strict=False)
    return [prediction for prediction, _ in takewhile(_belong_together, pairs)]


def _belong_together(pair: tuple[Prediction, HeldOut]) -> bool:
    prediction, question = pair
    return (prediction.record, prediction.turn) == (question.record, question.turn)


def key(run: Run, model_arn: str, shard: PromptShard) -> str:
    """The key of the answers of a shard of a run's evaluation of this model."""
    return naming.prediction_shard_key(run.run_id, model_arn, run.evaluation_attempt, shard.start, shard.stop)

"""The evaluate_model step: invokes the models, stores their answers and decides; continues where an earlier
call ended."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Estimate, Evaluation, Losses, PromptShard
from tunedrop.cost import imported
from tunedrop.dataset.prepare.held_out import HeldOut
from tunedrop.errors import EvaluationFailed, OverBudget
from tunedrop.evaluation import shards
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.decision.scored import scored
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.inference.speed import requests_per_minute
from tunedrop.evaluation.judging.ratings import Rater
from tunedrop.evaluation.reinforcement.rewards import is_graded, rewarded, with_known
from tunedrop.evaluation.task import EvaluationTask
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import throughput
from tunedrop.serving.production import serves
from tunedrop.training import engines, losses


def evaluate_model(
    aws_: Aws, task: EvaluationTask, next_record: int, deadline: float, decide_until: float = math.inf
) -> Evaluation:
    """Evaluate base and tuned model on the held-out records, and decide once all prompts have been processed.

    Parameters
    ----------
    next_record
        The number of prompts that earlier calls have processed; ignored with shards.
    deadline
        `time.monotonic()` at which to end; the result then says where to continue, or which evaluation job to
        wait for.
    decide_until
        `time.monotonic()` until which the call that got the last answers also decides. After that, the next
        call decides: deciding takes minutes for answers with very many parts, and a call that does not end in
        time has to get, and pay for, its answers again.

    Raises
    ------
    EvaluationFailed
        If no model answers at all.
    TransientError
        If an evaluation job cannot be created now, but a later try may succeed.
    """
    if (base := task.serving.base) is not None and base.failure:
        return _uncompared(aws_, task, base.failure)
    questions = task.questions(aws_)
    task = task.on(questions)
    per_minute = requests_per_minute(task.stage, task.base_model)
    planned = shards.plan(len(questions), task.stage, per_minute)
    bucket, key = task.stage.artifacts_bucket, naming.predictions_key(task.run.run_id)
    if planned:
        kept = predictions.read(aws_.s3, bucket, key) if task.run.grader else []
        done = with_known(_asked_in_shards(aws_, task, planned, questions), kept)
    else:
        done = predictions.read(aws_.s3, bucket, key)[:next_record] if next_record else []
        done += task.ask(aws_, questions[len(done) :], per_minute, deadline)
    predictions.write(aws_.s3, bucket, key, done)
    unfinished = Evaluation(done=False, next_record=len(done), records=len(done))
    if len(done) < len(questions):
        return msgspec.structs.replace(unfinished, shards=planned)
    _refuse_silence(done)
    if not planned and next_record < len(done) and time.monotonic() > decide_until:
        return unfinished
    if task.run.grader and not all(map(is_graded, done)):
        if not planned and next_record < len(done):
            return unfinished  # so that no answer is lost where grading takes long

        def save(graded: Sequence[Prediction]) -> None:
            predictions.write(aws_.s3, bucket, key, graded)

        done = rewarded(aws_, task.run.grader, task.dataset, done, deadline, save)
        if not all(map(is_graded, done)):
            return unfinished
    judge = task.run.evaluation.judge
    if judge is not None and judge.via == "evaluation-job":
        if not planned and next_record < len(done):
            # Jobs rate stored answers, which a retry of this step reads again.
            return unfinished
        waited_for, done = Rater(aws_, task.stage, task.run, judge).rate(questions, done)
        if waited_for:
            return msgspec.structs.replace(unfinished, judge_job_arn=waited_for)
        predictions.write(aws_.s3, bucket, key, done)
    return _conclude(aws_, task, done, naming.uri(bucket, key))


def refuse_what_is_dearer(registry: Registry, task: EvaluationTask) -> None:
    """Check the budget again once the billed units of an imported model are known.

    Raises
    ------
    OverBudget
        If the evaluation would likely cost more than was agreed to.
    """
    units, run = task.serving.units, task.run
    record = registry.get(run.run_id)
    before = record.document("estimate", Estimate) if record is not None else None
    if not units or before is None:
        return
    now = imported.corrected(before, task.base_model, units)
    registry.save(run.run_id, estimate=now)
    if imported.is_dearer(before, now, task.stage.budget_usd, run.spent_before_usd):
        raise OverBudget(
            f"the imported model has {units} units a copy, so that the run would likely cost "
            f"{now.likely:.2f} USD instead of {before.likely:.2f}, over its budget of "
            f"{before.budget_usd:.2f} USD. It was not evaluated. "
            "Raise budget_usd and upload again, or choose a smaller base model"
        )


def _asked_in_shards(
    aws_: Aws, task: EvaluationTask, planned: Sequence[PromptShard], questions: Sequence[HeldOut]
) -> list[Prediction]:
    return [
        prediction
        for shard in planned
        for prediction in shards.answered(aws_, task, shard, questions[shard.start : shard.stop])
    ]


def _conclude(aws_: Aws, task: EvaluationTask, done: list[Prediction], predictions_uri: str) -> Evaluation:
    if gone := _gone_from_production(aws_, task, done):
        done = [msgspec.structs.replace(one, champion=None, against_champion=None) for one in done]
    known, attempt = task.examples(aws_), task.run.evaluation_attempt
    decided = decide(done, task.run.evaluation, attempt=attempt, known=known)
    bucket, key = naming.place_of(predictions_uri)
    predictions.write(aws_.s3, bucket, key, scored(done, decided.metric, known))
    evaluation = msgspec.structs.replace(
        decided,
        production_gone=gone,
        losses=_losses(aws_, task),
        next_record=len(done),
        results_uri=predictions_uri,
    )
    return _kept(aws_, task, evaluation)


def _uncompared(aws_: Aws, task: EvaluationTask, why: str) -> Evaluation:
    """The result without a base model to compare with: inconclusive, because no model is promoted without a
    comparison."""
    evaluation = Evaluation(
        done=True,
        rejected_for="base model",
        reason=f"the base model {task.base_model.name} could not be asked: {why}",
        attempt=task.run.evaluation_attempt,
        losses=_losses(aws_, task),
    )
    return _kept(aws_, task, evaluation)


def _kept(aws_: Aws, task: EvaluationTask, evaluation: Evaluation) -> Evaluation:
    aws_.s3.put_object(
        Bucket=task.stage.artifacts_bucket,
        Key=naming.evaluation_key(task.run.run_id),
        Body=msgspec.json.encode(evaluation),
        ContentType="application/json",
    )
    return evaluation


def _gone_from_production(aws_: Aws, task: EvaluationTask, done: Sequence[Prediction]) -> str:
    """The production model of the name, if Bedrock says that it does not exist: it then counts as none.

    This is checked only if it has not answered. Any other failure does not change its status.
    """
    if not any(one.champion is not None and one.champion.error for one in done):
        return ""
    current = Aliases(aws_.ssm, aws_.dynamodb, task.stage).champion(task.run.name)
    # Somebody may have written a base model into the parameter, or something of another account.
    if not current or not serves(current) or not task.stage.is_of(current):
        return ""
    return "" if throughput.exists(aws_.bedrock, current) else current


def _losses(aws_: Aws, task: EvaluationTask) -> Losses | None:
    """The losses that the service reports for the training, if the run has a job."""
    if task.job is None:
        return None
    return losses.final(engines.curves_of(aws_, task.job), task.job, task.dataset)


def _refuse_silence(done: list[Prediction]) -> None:
    if done and all(one.failed for one in done):
        first = done[0]
        raise EvaluationFailed(f"no prompt was answered: {first.error}")

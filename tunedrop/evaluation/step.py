"""The evaluate_model step: ask, keep what was answered, decide; goes on where an earlier call had to end."""

from __future__ import annotations

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Evaluation
from tunedrop.dataset.records import HeldOut
from tunedrop.errors import EvaluationFailed
from tunedrop.evaluation import judge_job, predictions, shards
from tunedrop.evaluation.contenders import Contest
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.evaluation.gate import decide
from tunedrop.evaluation.speed import requests_per_minute


def evaluate_model(aws_: Aws, contest: Contest, next_record: int, deadline: float) -> Evaluation:
    """Base and tuned on the held-out records, and the verdict when all have been asked.

    Parameters
    ----------
    next_record
        How many questions earlier calls have asked; of no account where they are asked in shards.
    deadline
        `time.monotonic()` at which to end; the result then says where to go on.

    Raises
    ------
    EvaluationFailed
        When nobody answers at all.
    """
    questions = contest.questions(aws_)
    per_minute = requests_per_minute(contest.stage, contest.base_model)
    planned = shards.plan(len(questions), contest.stage, per_minute)
    bucket, key = contest.stage.artifacts_bucket, naming.predictions_key(contest.run.run_id)
    if planned:
        done = [
            prediction
            for shard in planned
            for prediction in shards.answered(aws_, contest, shard, questions[shard.start : shard.stop])
        ]
    else:
        done = predictions.read(aws_.s3, bucket, key)[:next_record] if next_record else []
        done += contest.ask(aws_, questions[len(done) :], per_minute, deadline)
    predictions.write(aws_.s3, bucket, key, done)
    if len(done) < len(questions):
        return Evaluation(done=False, next_record=len(done), records=len(done), shards=planned)
    waited_for, done = _judged(aws_, contest, questions, done)
    if waited_for:
        return Evaluation(done=False, next_record=len(done), records=len(done), judge_job_arn=waited_for)
    predictions.write(aws_.s3, bucket, key, done)
    return _conclude(aws_, contest, done, naming.uri(bucket, key))


def _judged(
    aws_: Aws, contest: Contest, questions: list[HeldOut], done: list[Prediction]
) -> tuple[str, list[Prediction]]:
    """The evaluation job that has to be waited for, where the run asks for Bedrock's own; else nothing to do."""
    settings = contest.run.evaluation.judge
    if settings is None or settings.via != "evaluation-job":
        return "", done
    order = judge_job.Order(stage=contest.stage, run=contest.run, serving=contest.serving, judge=settings)
    return judge_job.judge(aws_, order, questions, done)


def _conclude(aws_: Aws, contest: Contest, done: list[Prediction], predictions_uri: str) -> Evaluation:
    _refuse_silence(done)
    evaluation = msgspec.structs.replace(
        decide(done, contest.run.evaluation), next_record=len(done), results_uri=predictions_uri
    )
    aws_.s3.put_object(
        Bucket=contest.stage.artifacts_bucket,
        Key=naming.evaluation_key(contest.run.run_id),
        Body=msgspec.json.encode(evaluation),
        ContentType="application/json",
    )
    return evaluation


def _refuse_silence(done: list[Prediction]) -> None:
    if done and all(one.failed for one in done):
        first = done[0]
        raise EvaluationFailed(f"no prompt was answered: {first.tuned.error or first.base.error}")

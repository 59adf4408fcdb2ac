"""The evaluate_model step: ask, keep what was answered, decide; goes on where an earlier call had to end."""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Evaluation, Run, Serving
from tunedrop.dataset.records import HeldOut, read_held_out
from tunedrop.errors import EvaluationFailed
from tunedrop.evaluation.ask import Asker, Pace
from tunedrop.evaluation.evaluate import Prediction, evaluate, select
from tunedrop.evaluation.gate import decide
from tunedrop.evaluation.speed import requests_per_minute
from tunedrop.registry.aliases import Aliases
from tunedrop.stage import Stage


def evaluate_model(
    aws_: Aws,
    stage: Stage,
    run: Run,
    dataset: Dataset,
    serving: Serving,
    base_model: BaseModel,
    next_record: int,
    deadline: float,
) -> Evaluation:
    """Base and tuned on the held-out records, and the verdict when all have been asked.

    Parameters
    ----------
    next_record
        How many questions earlier calls have asked.
    deadline
        `time.monotonic()` at which to end; the result then says where to go on.

    Raises
    ------
    EvaluationFailed
        When nobody answers at all.
    """
    questions = _questions(aws_.s3, dataset, run.evaluation.max_prompts)
    done = _read(aws_.s3, stage, run)[:next_record] if next_record else []
    pace = Pace(requests_per_minute(stage, base_model))

    def asker(model_id: str) -> Asker:
        return Asker(aws_.bedrock_runtime, model_id, base_model, dataset.target_format, pace)

    in_production = _in_production(aws_, stage, run, serving)
    champion = asker(in_production) if in_production else None
    base, tuned = asker(base_model.inference_id), asker(serving.arn)
    done += evaluate(questions[len(done) :], base, tuned, deadline, champion=champion)
    predictions_uri = _write(aws_.s3, stage, run, done)
    if len(done) < len(questions):
        return Evaluation(done=False, next_record=len(done), records=len(done))
    _refuse_silence(done)
    evaluation = msgspec.structs.replace(
        decide(done, run.evaluation), next_record=len(done), results_uri=predictions_uri
    )
    aws_.s3.put_object(
        Bucket=stage.artifacts_bucket,
        Key=naming.evaluation_key(run.run_id),
        Body=msgspec.json.encode(evaluation),
        ContentType="application/json",
    )
    return evaluation


def _in_production(aws_: Aws, stage: Stage, run: Run, serving: Serving) -> str | None:
    """What serves the model that the run's name stands for now, where it can be asked.

    A model that was promoted and released again is named by its own ARN, which inference does not take.
    """
    current = Aliases(aws_.ssm, aws_.dynamodb, stage).current(run.name)
    return current if current and current != serving.arn and ":custom-model/" not in current else None


def read_predictions(text: bytes) -> list[Prediction]:
    """The lines of predictions.jsonl."""
    return [msgspec.json.decode(line, type=Prediction) for line in text.splitlines() if line]


def _questions(s3: Any, dataset: Dataset, most: int) -> list[HeldOut]:
    if dataset.test is None:
        return []
    bucket, _, key = dataset.test.uri.removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    return select(read_held_out(body.iter_chunks(1 << 20)), most)


def _refuse_silence(predictions: list[Prediction]) -> None:
    if predictions and all(one.failed for one in predictions):
        first = predictions[0]
        raise EvaluationFailed(f"no prompt was answered: {first.tuned.error or first.base.error}")


def _read(s3: Any, stage: Stage, run: Run) -> list[Prediction]:
    try:
        answer = s3.get_object(Bucket=stage.artifacts_bucket, Key=naming.predictions_key(run.run_id))
    except ClientError as error:
        if aws.is_missing(error):
            return []
        raise
    return read_predictions(answer["Body"].read())


def _write(s3: Any, stage: Stage, run: Run, predictions: list[Prediction]) -> str:
    key = naming.predictions_key(run.run_id)
    body = b"".join(msgspec.json.encode(one) + b"\n" for one in predictions)
    s3.put_object(Bucket=stage.artifacts_bucket, Key=key, Body=body, ContentType="application/jsonl")
    return naming.uri(stage.artifacts_bucket, key)

"""Judging by Bedrock's own evaluation jobs: a judge model of AWS's list rates each answer by itself.

A job takes answers of a custom model only as precomputed ones, of one model a job (CreateEvaluationJob and user
guide, model-evaluation-prompt-datasets-judge, read 2026-11-23): so two jobs are made, one with the base's
answers and one with the tuned model's, and the higher rating wins. There is no event when a job ends; the run
waits for it as for throughput.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import MOST_IN_A_JOB, JudgeSettings, Run, Serving
from tunedrop.dataset.records import HeldOut
from tunedrop.evaluation.evaluate import Judgement, Prediction
from tunedrop.stage import Stage

METRIC = "Builtin.Correctness"
"""Of Bedrock's judge metrics the one that compares with the reference."""

TASK = "Generation"
"""As the API names it (EvaluationTaskType); examples of the user guide say General. [doubt]"""

Which = Literal["base", "tuned"]


class EvaluationJob(msgspec.Struct, frozen=True, kw_only=True):
    """One of Bedrock's evaluation jobs; `failure` is why it ended without ratings."""

    arn: str
    status: str
    failure: str = ""

    @property
    def is_over(self) -> bool:
        return self.status not in ("InProgress", "Stopping")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs of one run are made from."""

    stage: Stage
    run: Run
    serving: Serving
    judge: JudgeSettings


def look(bedrock: Any, arn: str) -> EvaluationJob:
    """How a job stands."""
    found = bedrock.get_evaluation_job(jobIdentifier=arn)
    failure = "; ".join(found.get("failureMessages", ()))
    return EvaluationJob(arn=arn, status=found["status"], failure=failure)


def judge(
    aws_: Aws, order: Order, questions: Sequence[HeldOut], predictions: Sequence[Prediction]
) -> tuple[str, list[Prediction]]:
    """The ARN of the job that is still to be waited for; when there is none, the predictions with judgements.

    Both jobs are made at the first call. Called again, it finds them by their names.
    """
    pairs = [
        (question, one)
        for question, one in zip(questions, predictions, strict=True)
        if not question.probe and not one.failed
    ][:MOST_IN_A_JOB]
    if not pairs:
        return "", list(predictions)
    jobs = {which: _job(aws_, order, which, pairs) for which in _BOTH}
    unfinished = next((job.arn for job in jobs.values() if not job.is_over), "")
    if unfinished:
        return unfinished, list(predictions)
    return "", list(_judged(aws_, order, jobs, pairs, predictions))


_BOTH: tuple[Which, Which] = ("base", "tuned")


def _job(aws_: Aws, order: Order, which: Which, pairs: Sequence[tuple[HeldOut, Prediction]]) -> EvaluationJob:
    """The job for one model's answers: found, or made."""
    name = _name(order, which)
    listed = aws_.bedrock.list_evaluation_jobs(nameContains=name)["jobSummaries"]
    for job in listed:
        if job["jobName"] == name:
            return look(aws_.bedrock, job["jobArn"])
    bucket, key = order.stage.artifacts_bucket, naming.judging_key(order.run.run_id, name)
    lines = [msgspec.json.encode(_line(question, getattr(one, which).text, which)) for question, one in pairs]
    aws_.s3.put_object(Bucket=bucket, Key=key, Body=b"\n".join(lines) + b"\n")
    made = aws_.bedrock.create_evaluation_job(
        jobName=name,
        jobDescription=f"Tunedrop run {order.run.run_id}: answers of the {which} model",
        clientRequestToken=naming.client_token("judge", name),
        roleArn=order.stage.evaluation_role_arn,
        applicationType="ModelEvaluation",
        evaluationConfig={"automated": _config(order, naming.uri(bucket, key))},
        inferenceConfig={"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": which}}]},
        outputDataConfig={"s3Uri": naming.uri(bucket, _output(order))},
    )
    return EvaluationJob(arn=made["jobArn"], status="InProgress")


def _config(order: Order, uri: str) -> dict[str, Any]:
    return {
        "datasetMetricConfigs": [
            {
                "taskType": TASK,
                "dataset": {"name": "heldout", "datasetLocation": {"s3Uri": uri}},
                "metricNames": [METRIC],
            }
        ],
        "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": order.judge.model}]},
    }


def _name(order: Order, which: Which) -> str:
    """Lower-case, at most 63, and the same whenever the same model is judged by the same judge."""
    token = naming.client_token(order.run.run_id, order.serving.model_arn, order.judge.model)
    return f"tunedrop-{which}-{token[:24]}"


def _output(order: Order) -> str:
    return f"{naming.judging_prefix(order.run.run_id)}output/"


def _line(question: HeldOut, answer: str, which: Which) -> dict[str, Any]:
    """A record of the dataset: at most one answer, of the job's one model."""
    said = [f"{one.role}: {one.text}" for one in question.messages[:-1]]
    return {
        "prompt": "\n".join(
            [*([question.system] if question.system else []), *said, question.messages[-1].text]
        ),
        "referenceResponse": question.reference,
        "modelResponses": [{"response": answer, "modelIdentifier": which}],
    }


def _judged(
    aws_: Aws,
    order: Order,
    jobs: dict[Which, EvaluationJob],
    pairs: Sequence[tuple[HeldOut, Prediction]],
    predictions: Sequence[Prediction],
) -> Iterator[Prediction]:
    failure = "; ".join(f"{which}: {job.failure or job.status}" for which, job in jobs.items() if job.failure)
    ratings = {which: _ratings(aws_, order, which) for which in _BOTH} if not failure else {}
    found: dict[tuple[int, int], Judgement] = {}
    for question, one in pairs:
        lines = {which: _line(question, getattr(one, which).text, which) for which in _BOTH}
        rated = {which: _next(ratings.get(which, {}), lines[which]) for which in _BOTH}
        found[one.record, one.turn] = _judgement(rated["base"], rated["tuned"], failure)
    for one in predictions:
        judgement = found.get((one.record, one.turn)) if not one.probe else None
        yield one if judgement is None else msgspec.structs.replace(one, judgement=judgement)


Ratings = dict[tuple[str, str], deque[float]]


def _ratings(aws_: Aws, order: Order, which: Which) -> Ratings:
    """Ratings by prompt and answer. Jobs write one file or more under a path that holds ids of their own."""
    bucket, prefix = order.stage.artifacts_bucket, f"{_output(order)}{_name(order, which)}/"
    found: Ratings = defaultdict(deque)
    pages = aws_.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    for key in sorted(key for key in keys if key.endswith("_output.jsonl")):
        for line in aws_.s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines():
            record = msgspec.json.decode(line)
            scores = {
                one["metricName"]: one.get("result") for one in record["automatedEvaluationResult"]["scores"]
            }
            if (rating := scores.get(METRIC)) is not None:
                found[_key(record["inputRecord"])].append(float(rating))
    return found


def _next(ratings: Ratings, line: dict[str, Any]) -> float | None:
    rated = ratings.get(_key(line))
    return rated.popleft() if rated else None


def _key(record: dict[str, Any]) -> tuple[str, str]:
    return record["prompt"], record["modelResponses"][0]["response"]


def _judgement(base: float | None, tuned: float | None, failure: str) -> Judgement:
    if base is None or tuned is None:
        return Judgement(error=failure or "the evaluation job rated only one of the answers, or none")
    better: Literal["tuned", "base", "tie"] = "tie" if base == tuned else "tuned" if tuned > base else "base"
    return Judgement(better=better, reasons=(f"{METRIC}: base {base:g}, tuned {tuned:g}",))

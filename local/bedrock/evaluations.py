"""Evaluation jobs with a judge: they assume the role, read precomputed answers, rate them, write the ratings."""

from __future__ import annotations

import json
import threading
import traceback
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.learner import overlap, words
from local.bedrock.wire import Refusal
from local.bedrock.world import World, new_id, now

JOB_MINUTES = 9
"""One recorded job took about nine minutes (C7N, July 2026)."""

MOST_PROMPTS = 1_000
STEPS = 4
"""A judge of Correctness says incorrect, partly correct or correct; so finely do we rate."""


class EvaluationFailed(Exception):
    """A job's failure message."""


class Evaluations:
    """The operations on evaluation jobs, and the work behind them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        account, region = ministack.account(), ministack.region()
        world, token = self._world, request.get("clientRequestToken", "")
        with world.lock:
            if token and ("evaluation", token) in world.tokens:
                return {"jobArn": world.tokens["evaluation", token]}
            if any(job["jobName"] == request["jobName"] for job in world.evaluations.values()):
                raise Refusal("ConflictException", f"An evaluation job named {request['jobName']} exists.")
            self._refuse_if_impossible(request, region)
            arn = f"arn:aws:bedrock:{region}:{account}:evaluation-job/{new_id()}"
            job = request | {
                "jobArn": arn,
                "jobType": "Automated",
                "status": "InProgress",
                "creationTime": now(),
                "lastModifiedTime": now(),
            }
            if ministack.assume_role(request["roleArn"], "bedrock.amazonaws.com", account, arn) is None:
                raise Refusal("ValidationException", "Could not assume provided IAM role.")
            world.evaluations[arn] = job
            if token:
                world.tokens["evaluation", token] = arn
        threading.Thread(target=self._work, args=(job, account, region), daemon=True).start()
        return {"jobArn": arn}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._world.evaluations.get(request["jobIdentifier"])
        if job is None:
            raise Refusal("ResourceNotFoundException", f"No evaluation job {request['jobIdentifier']}")
        return {name: value for name, value in job.items() if name != "clientRequestToken"}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        part = request.get("nameContains", "")
        kept = ("jobArn", "jobName", "status", "creationTime", "jobType", "applicationType")
        found = [
            {name: job[name] for name in kept} | {"evaluationTaskTypes": ["Generation"]}
            for job in self._world.evaluations.values()
            if part in job["jobName"]
        ]
        return {"jobSummaries": found[:5]}

    def _refuse_if_impossible(self, request: dict[str, Any], region: str) -> None:
        automated = request["evaluationConfig"].get("automated")
        if automated is None or "evaluatorModelConfig" not in automated:
            raise Refusal("ValidationException", "only jobs with a judge are part of the local Bedrock")
        self._world.foundation_model(_judge_of(request), region)
        models = request["inferenceConfig"].get("models", [])
        if len(models) != 1 or "precomputedInferenceSource" not in models[0]:
            raise Refusal(
                "ValidationException", "a custom model's answers have to be precomputed, one model a job"
            )

    # --- the work ------------------------------------------------------------------------------------------

    def _work(self, job: dict[str, Any], account: str, region: str) -> None:
        try:
            self._world.pass_minutes(JOB_MINUTES)
            self._rate(job, account, region)
            job.update(status="Completed", lastModifiedTime=now())
        except (EvaluationFailed, ClientError) as error:
            job.update(status="Failed", failureMessages=[str(error)], lastModifiedTime=now())
        except Exception as error:
            traceback.print_exc()
            job.update(status="Failed", failureMessages=[f"Internal error: {type(error).__name__}"])

    def _rate(self, job: dict[str, Any], account: str, region: str) -> None:
        credentials = ministack.assume_role(job["roleArn"], "bedrock.amazonaws.com", account, job["jobArn"])
        if credentials is None:
            raise EvaluationFailed("Could not assume provided IAM role.")
        s3 = boto3.client("s3", region_name=region, endpoint_url=self._world.endpoint_url, **credentials)
        (config,) = job["evaluationConfig"]["automated"]["datasetMetricConfigs"]
        source = job["inferenceConfig"]["models"][0]["precomputedInferenceSource"][
            "inferenceSourceIdentifier"
        ]
        bucket, key = _split(config["dataset"]["datasetLocation"]["s3Uri"])
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        rated = [json.dumps(line) for line in _ratings(text, source, config["metricNames"])]
        bucket, prefix = _split(job["outputDataConfig"]["s3Uri"])
        path = (
            f"{prefix.rstrip('/')}/{job['jobName']}/{uuid.uuid4()}/models/{source}/taskTypes/"
            f"{config['taskType']}/datasets/{config['dataset']['name']}/{uuid.uuid4()}_output.jsonl"
        )
        s3.put_object(Bucket=bucket, Key=path, Body="\n".join(rated).encode() + b"\n")


def _ratings(text: str, source: str, metrics: list[str]) -> Iterator[dict[str, Any]]:
    """Each answer by itself: how much of the reference it has, in a few steps, as a judge rates."""
    records = [json.loads(line) for line in text.splitlines()]
    if len(records) > MOST_PROMPTS:
        raise EvaluationFailed(f"the dataset has {len(records)} prompts; at most {MOST_PROMPTS} are allowed")
    for record in records:
        answers = record.get("modelResponses", [])
        if len(answers) != 1 or answers[0]["modelIdentifier"] != source:
            raise EvaluationFailed(f"each record must have exactly one response, of {source}")
        alike = overlap(Counter(words(record["referenceResponse"])), Counter(words(answers[0]["response"])))
        rating = round(alike * STEPS) / STEPS
        yield {
            "automatedEvaluationResult": {
                "scores": [{"metricName": name, "result": rating} for name in metrics]
            },
            "inputRecord": record,
            "modelResponses": answers,
        }


def _judge_of(request: dict[str, Any]) -> str:
    (judge,) = request["evaluationConfig"]["automated"]["evaluatorModelConfig"]["bedrockEvaluatorModels"]
    identifier: str = judge["modelIdentifier"]
    return identifier


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key

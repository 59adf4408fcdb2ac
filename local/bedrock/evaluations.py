"""Evaluation jobs with a judge: they assume the role, read answers, have them rated, write the ratings.

The judge is a model of this Bedrock, called over HTTP with the role's credentials: access may be denied, its
ratings may be wrong, and its response may be unreadable.
"""

from __future__ import annotations

import json
import threading
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import World, new_id, now
from tunedrop.naming import place_of

JOB_MINUTES = 9.0
"""One recorded job took about nine minutes (C7N, July 2026)."""

MOST_PROMPTS = 1_000
TASK = "General"
AT_ONCE = 4
RATINGS = (0.0, 0.5, 1.0)
"""A judge of Correctness says incorrect, partly correct or correct."""

_INSTRUCTIONS = "You rate whether a response to a prompt is correct, going by a response known to be good."


class EvaluationFailed(Exception):
    """A job's failure message."""


class Stopped(Exception):
    """The job was stopped."""


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
            if ministack.assume_role(request["roleArn"], "bedrock.amazonaws.com", account, arn) is None:
                raise Refusal("ValidationException", "Could not assume provided IAM role.")
            moment = now()
            job = request | {
                "jobArn": arn, "jobType": "Automated", "status": "InProgress",
                "creationTime": moment, "lastModifiedTime": moment,
                "_tags": {tag["key"]: tag["value"] for tag in request.get("jobTags", [])},
            }  # fmt: skip
            world.evaluations[arn] = job
            if token:
                world.tokens["evaluation", token] = arn
        threading.Thread(target=self._work, args=(job, account, region), daemon=True).start()
        return {"jobArn": arn}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        hidden = ("clientRequestToken", "jobTags", "_tags")
        return {name: value for name, value in self._find(request).items() if name not in hidden}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """At most five a page, as on AWS."""
        wanted, part = request.get("statusEquals"), request.get("nameContains", "")
        kept = ("jobArn", "jobName", "status", "creationTime", "jobType")
        found = [
            {name: job[name] for name in kept} | {"evaluationTaskTypes": [TASK]}
            for job in self._world.evaluations.values()
            if wanted in (None, job["status"]) and part in job["jobName"]
        ]
        start = int(request.get("nextToken") or 0)
        more = {"nextToken": str(start + 5)} if len(found) > start + 5 else {}
        return {"jobSummaries": found[start : start + 5], **more}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._world.lock:
            job = self._find(request)
            if job["status"] != "InProgress":
                raise Refusal("ConflictException", f"The job {job['jobName']} is not in progress.")
            job["status"] = "Stopping"
        return {}

    def batch_delete(self, request: dict[str, Any]) -> dict[str, Any]:
        deleted, errors = [], []
        with self._world.lock:
            for arn in request["jobIdentifiers"]:
                job = self._world.evaluations.get(arn)
                if job is None or job["status"] in ("InProgress", "Stopping"):
                    code = "404" if job is None else "409"
                    errors.append({"jobIdentifier": arn, "code": code, "message": "It cannot be deleted."})
                    continue
                del self._world.evaluations[arn]
                deleted.append({"jobIdentifier": arn, "jobStatus": "Deleting"})
        return {"errors": errors, "evaluationJobs": deleted}

    def _find(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._world.evaluations.get(request["jobIdentifier"])
        if job is None:
            raise Refusal("ResourceNotFoundException", f"No evaluation job {request['jobIdentifier']}")
        return job

    def _refuse_if_impossible(self, request: dict[str, Any], region: str) -> None:
        automated = request["evaluationConfig"].get("automated", {})
        if not {"evaluatorModelConfig", "customMetricConfig"} & set(automated):
            raise Refusal("ValidationException", "Only jobs with a judge are part of the local Bedrock.")
        if any(one["taskType"] != TASK for one in automated["datasetMetricConfigs"]):
            raise Refusal("ValidationException", f"Only task type {TASK} is supported for Model-as-a-Judge.")
        self._world.foundation_model(judge_of(request), region)
        models = request["inferenceConfig"].get("models", [])
        if len(models) != 1 or "precomputedInferenceSource" not in models[0]:
            raise Refusal("ValidationException", "A custom model's answers have to be precomputed.")

    # --- the work ------------------------------------------------------------------------------------------

    def _work(self, job: dict[str, Any], account: str, region: str) -> None:
        end: dict[str, Any] = {"status": "Completed"}
        try:
            self._run(job, account, region)
        except Stopped:
            end = {"status": "Stopped"}
        except (EvaluationFailed, ClientError) as error:
            end = {"status": "Failed", "failureMessages": [str(error)]}
        except Exception as error:
            traceback.print_exc()
            end = {"status": "Failed", "failureMessages": [f"Internal error: {type(error).__name__}"]}
        job.update(end, lastModifiedTime=now())

    def _run(self, job: dict[str, Any], account: str, region: str) -> None:
        credentials = ministack.assume_role(job["roleArn"], "bedrock.amazonaws.com", account, job["jobArn"])
        if credentials is None:
            raise EvaluationFailed("Could not assume provided IAM role.")
        session = boto3.Session(region_name=region, **credentials)
        s3 = session.client("s3", endpoint_url=self._world.endpoint_url)
        runtime = session.client("bedrock-runtime", endpoint_url=self._world.endpoint_url)
        (config,) = job["evaluationConfig"]["automated"]["datasetMetricConfigs"]
        bucket, prefix = place_of(job["outputDataConfig"]["s3Uri"])
        root = f"{prefix.rstrip('/')}/{job['jobName']}"
        s3.put_object(Bucket=bucket, Key=f"{root}/amazon-bedrock-evaluations-permission-check", Body=b"")
        self._wait(job)
        if failure := self._world.faults.evaluation_failure(job["jobName"]):
            raise EvaluationFailed(failure)
        records = list(_records(s3, config["dataset"]["datasetLocation"]["s3Uri"], _source_of(job)))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rated = list(pool.map(lambda record: _rated(runtime, job, record), records))
        if job["status"] == "Stopping":
            raise Stopped
        key = (
            f"{root}/{uuid.uuid4()}/models/{_source_of(job)}/taskTypes/{config['taskType']}/datasets/"
            f"{config['dataset']['name']}/{uuid.uuid4()}_output.jsonl"
        )
        body = "".join(json.dumps(line) + "\n" for line in rated)
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())

    def _wait(self, job: dict[str, Any]) -> None:
        minutes = self._world.faults.minutes("evaluation", JOB_MINUTES)
        for _ in range(20):
            if job["status"] == "Stopping":
                raise Stopped
            self._world.pass_minutes(minutes / 20)


def judge_of(request: dict[str, Any]) -> str:
    """The judge of a new evaluation job; `*` if it names none."""
    automated = request.get("evaluationConfig", {}).get("automated", {})
    config = automated.get("evaluatorModelConfig") or automated.get("customMetricConfig", {}).get(
        "evaluatorModelConfig", {}
    )
    models = config.get("bedrockEvaluatorModels") or [{}]
    return str(models[0].get("modelIdentifier", "*"))


def _source_of(job: dict[str, Any]) -> str:
    source: str = job["inferenceConfig"]["models"][0]["precomputedInferenceSource"][
        "inferenceSourceIdentifier"
    ]
    return source


def _records(s3: Any, uri: str, source: str) -> Iterator[dict[str, Any]]:
    bucket, key = place_of(uri)
    lines = s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
    if len(lines) > MOST_PROMPTS:
        raise EvaluationFailed(f"The dataset has {len(lines)} prompts; at most {MOST_PROMPTS} are allowed.")
    for number, line in enumerate(lines, start=1):
        record = json.loads(line)
        answers = record.get("modelResponses", [])
        if len(answers) != 1 or answers[0]["modelIdentifier"] != source:
            raise EvaluationFailed(f"Record {number} must have exactly one response, of {source}.")
        texts = (record["prompt"], record.get("referenceResponse", "-"), answers[0]["response"])
        if not all(text.strip() for text in texts):
            raise EvaluationFailed(f"Record {number} has a blank text.")
        yield record


def _rated(runtime: Any, job: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """A line of the output. A judge whose response cannot be read gives no rating: `null`."""
    automated = job["evaluationConfig"]["automated"]
    (metric,) = automated["datasetMetricConfigs"][0]["metricNames"]
    judge = judge_of(job)
    said = runtime.converse(
        modelId=judge,
        messages=[{"role": "user", "content": [{"text": _prompt(automated, metric, record)}]}],
        inferenceConfig={"maxTokens": 300, "temperature": 0.0},
    )
    text = "".join(block.get("text", "") for block in said["output"]["message"]["content"])
    try:
        answer = json.loads(text)
        result, explanation = float(answer["rating"]), str(answer["explanation"])
    except (ValueError, KeyError, TypeError):
        result, explanation = None, text
    details = [{"modelIdentifier": judge, "explanation": explanation}]
    score = {"metricName": metric, "result": result, "evaluatorDetails": details}
    return {"automatedEvaluationResult": {"scores": [score]}, "inputRecord": record}


def _prompt(automated: dict[str, Any], metric: str, record: dict[str, Any]) -> str:
    """The metric's instructions, and their input repeated in a form that local models can read."""
    response = record["modelResponses"][0]["response"]
    reference = record.get("referenceResponse", "")
    instructions, ratings = _INSTRUCTIONS, RATINGS
    for custom in automated.get("customMetricConfig", {}).get("customMetrics", []):
        definition = custom["customMetricDefinition"]
        if definition["name"] == metric:
            ratings = tuple(one["value"]["floatValue"] for one in definition["ratingScale"])
            instructions = definition["instructions"]
            for name, value in (
                ("prompt", record["prompt"]), ("prediction", response), ("ground_truth", reference),
            ):  # fmt: skip
                instructions = instructions.replace(f"{{{{{name}}}}}", value)
    document = json.dumps({"reference": reference or record["prompt"], "response": response})
    possible = ", ".join(f"{one:g}" for one in ratings)
    return f"{instructions}\n\nPossible ratings: {possible}\n\nDocument: {document}"

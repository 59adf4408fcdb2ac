"""Fine-tuning jobs: they read their file, sample answers, and call a Lambda function to grade them.

The grader is called with the permissions of the job's creator (Bedrock user guide,
rft-open-weight-access-security), without a role.
"""

from __future__ import annotations

import json
import threading
import traceback
from typing import Any

import boto3

from local import ministack
from local.bedrock import lessons
from local.bedrock.files import JobFailed
from local.bedrock.wire import Refusal
from local.bedrock.world import JOB_MINUTES
from local.mantle.files import Files
from local.mantle.state import Job, Model, State, new_id, now, page
from tunedrop import catalog
from tunedrop.catalog.model import BaseModel

REGION = "us-west-2"
"""Where fine-tuning is offered (user guide, fine-tuning-openai-apis)."""

BASES = ("openai.gpt-oss-20b", "qwen.qwen3-32b")
FIELDS = {"model", "training_file", "method"}
HYPERPARAMETERS = {"n_epochs": 1, "batch_size": 4, "learning_rate_multiplier": 1.0}
FEWEST, MOST = 100, 20_000
SAMPLES, RATE = 16, 2e-5
"""Sampled answers per prompt, and the base learning rate; AWS documents neither."""

TICK_MINUTES = 1.0
OVER = ("succeeded", "failed", "cancelled")


class Jobs:
    """The operations on fine-tuning jobs."""

    def __init__(self, state: State, files: Files) -> None:
        self._state = state
        self._files = files

    def create(self, request: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        reinforcement = _refuse_wrong(request)
        file = self._files.find(str(request["training_file"]))
        running = sum(one.about["status"] not in OVER for one in self._state.jobs.values())
        if running >= self._state.world.quota("fine_tuning_jobs"):
            raise Refusal(
                "ThrottlingException", "Quota exceeded: too many fine-tuning jobs run in this account."
            )
        grader = _lambda(headers, self._state.world.endpoint_url)
        values = HYPERPARAMETERS | reinforcement.get("hyperparameters", {})
        about: dict[str, Any] = {
            "id": f"ftjob-{new_id(24)}",
            "object": "fine_tuning.job",
            "created_at": now(),
            "finished_at": None,
            "model": request["model"],
            "fine_tuned_model": None,
            "organization_id": ministack.account(),
            "training_file": request["training_file"],
            "validation_file": None,
            "result_files": [],
            "status": "validating_files",
            "trained_tokens": None,
            "error": None,
            "seed": 0,
            "hyperparameters": values,
            "method": request["method"],
        }
        job = Job(about, reinforcement | {"hyperparameters": values})
        job.tell(f"Created fine-tuning job: {about['id']}")
        with self._state.world.lock:
            self._state.jobs[about["id"]] = job
        name = str(file.about["filename"]).split(".")[-2:][0]
        work = threading.Thread(target=self._work, args=(job, file.content, name, grader), daemon=True)
        work.start()
        return dict(about)

    def get(self, id_: str) -> dict[str, Any]:
        return dict(self._find(id_).about)

    def list(self, query: dict[str, Any]) -> dict[str, Any]:
        return page([dict(one.about) for one in reversed(self._state.jobs.values())], query)

    def events(self, id_: str, query: dict[str, Any]) -> dict[str, Any]:
        return page(list(self._find(id_).events), query)

    def checkpoints(self, id_: str, query: dict[str, Any]) -> dict[str, Any]:
        return page(list(self._find(id_).checkpoints), query)

    def cancel(self, id_: str) -> dict[str, Any]:
        job = self._find(id_)
        with self._state.world.lock:
            if job.about["status"] in OVER:
                raise Refusal("ValidationException", f"The job {id_} is already {job.about['status']}.")
            job.about.update(status="cancelled", finished_at=now())
        job.tell("The job was cancelled.")
        return dict(job.about)

    def _find(self, id_: str) -> Job:
        try:
            return self._state.jobs[id_]
        except KeyError:
            raise Refusal("ResourceNotFoundException", f"Could not find fine tune: {id_}") from None

    # --- the work ------------------------------------------------------------------------------------------

    def _work(self, job: Job, content: bytes, name: str, grader: Any) -> None:
        try:
            self._run(job, content, name, grader)
        except JobFailed as error:
            self._fail(job, "invalid_training_file" if "file" in str(error) else "grader_error", str(error))
        except Exception as error:
            traceback.print_exc()
            self._fail(job, "internal_error", f"Internal error: {type(error).__name__}")

    def _run(self, job: Job, content: bytes, name: str, grader: Any) -> None:
        world = self._state.world
        self._pass(job, 0.1)
        records = _records(content)
        if failure := world.faults.take_job_failure(name):
            raise JobFailed(failure)
        self._enter(job, "queued")
        while world.faults.has_no_capacity() and job.about["status"] == "queued":
            world.pass_minutes(TICK_MINUTES)
        self._enter(job, "running")
        self._pass(job, 0.9)
        if job.about["status"] != "running":
            return
        base = catalog.find(job.about["model"])
        learned = lessons.try_and_be_graded(
            world.base_brain_of(base), _as_bedrock_calls_it(job.method), records, [], grader
        )
        for step in learned.steps:
            data = {"step": step.number, "critic_rewards_mean": 1 - step.loss}
            job.tell(f"Step {step.number}: training metrics", data=data)
        with world.lock:
            if job.about["status"] == "running":
                self._keep(job, base, learned)

    def _keep(self, job: Job, base: BaseModel, learned: lessons.Learned) -> None:
        model = f"ft:{base.id}:{job.about['organization_id']}:custom-model:{new_id(8)}"
        last = learned.steps[-1].number if learned.steps else 0
        checkpoint = f"{model}:ckpt-step-{last}"
        for id_ in (model, checkpoint):
            self._state.models[id_] = Model(id_, now(), learned.brain)
        job.checkpoints.append({
            "id": f"ftckpt_{new_id(24)}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": now(),
            "fine_tuned_model_checkpoint": checkpoint,
            "fine_tuning_job_id": job.about["id"],
            "step_number": last,
            "metrics": {"step": float(last)},
        })  # fmt: skip
        job.about.update(
            status="succeeded", finished_at=now(), fine_tuned_model=model,
            trained_tokens=len(learned.steps) * 1_000,
        )  # fmt: skip
        job.tell("The job has successfully completed")

    def _enter(self, job: Job, status: str) -> None:
        with self._state.world.lock:
            if job.about["status"] not in OVER:
                job.about["status"] = status

    def _pass(self, job: Job, share: float) -> None:
        world, passed = self._state.world, 0.0
        while job.about["status"] not in OVER and passed < share * world.faults.minutes(
            "training", JOB_MINUTES
        ):
            world.pass_minutes(TICK_MINUTES)
            passed += TICK_MINUTES

    def _fail(self, job: Job, code: str, message: str) -> None:
        with self._state.world.lock:
            error = {"code": code, "message": message, "param": None}
            job.about.update(status="failed", finished_at=now(), error=error)
        job.tell(message, "error")


def _refuse_wrong(request: dict[str, Any]) -> dict[str, Any]:
    """Refuse what the guide does not show; returns the method's settings."""
    if unknown := set(request) - FIELDS:
        raise Refusal("ValidationException", f"Unsupported parameter: {', '.join(sorted(unknown))}.")
    if missing := FIELDS - set(request):
        raise Refusal("ValidationException", f"Missing required parameter: {', '.join(sorted(missing))}.")
    if request["model"] not in BASES or ministack.region() != REGION:
        raise Refusal("ValidationException", f"Fine-tuning is not available for {request['model']}.")
    method = request["method"]
    settings: dict[str, Any] = method.get("reinforcement", {}) if isinstance(method, dict) else {}
    grader = settings.get("grader", {})
    if method.get("type") != "reinforcement" or grader.get("type") != "lambda":
        raise Refusal("ValidationException", "The method must be reinforcement with a lambda grader.")
    if not str(grader.get("lambda", {}).get("function", "")).startswith("arn:aws:lambda:"):
        raise Refusal("ValidationException", "grader.lambda.function must be the ARN of a function.")
    values = settings.get("hyperparameters", {})
    if unknown := set(values) - set(HYPERPARAMETERS):
        raise Refusal("ValidationException", f"Unsupported hyperparameter: {', '.join(sorted(unknown))}.")
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise Refusal("ValidationException", f"The hyperparameter {name} must be a number above 0.")
    return settings


def _records(content: bytes) -> list[dict[str, Any]]:
    """The records of a training file (user guide, rft-prepare-data-open-weight)."""
    records = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            one = json.loads(line)
            assert isinstance(one["messages"], list)
            assert all(isinstance(message["content"], str) for message in one["messages"])
            assert "reference_answer" in one
        except (ValueError, KeyError, TypeError, AssertionError):
            raise JobFailed(f"Line {number} of the training file is not in the expected format.") from None
        records.append(one)
    if not FEWEST <= len(records) <= MOST:
        raise JobFailed(f"The training file has {len(records)} examples; {FEWEST} to {MOST} are needed.")
    return records


def _as_bedrock_calls_it(method: dict[str, Any]) -> dict[str, Any]:
    values = method["hyperparameters"]
    return {
        "graderConfig": {"lambdaGrader": {"lambdaArn": method["grader"]["lambda"]["function"]}},
        "hyperParameters": {
            "epochCount": int(values["n_epochs"]),
            "batchSize": int(values["batch_size"]),
            "learningRate": RATE * float(values["learning_rate_multiplier"]),
            "trainingSamplePerPrompt": SAMPLES,
        },
    }


def _lambda(headers: dict[str, str], endpoint_url: str) -> Any:
    credentials = ministack.on_behalf_of(headers) or {}
    session = boto3.Session(region_name=ministack.region(), **credentials)
    return session.client("lambda", endpoint_url=endpoint_url or None)

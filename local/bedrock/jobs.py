"""Model customization jobs: they assume the role, read the data, learn, write their files, send events."""

from __future__ import annotations

import csv
import io
import json
import math
import threading
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local import ministack
from local.bedrock.brain import Brain, base_brain, context_of
from local.bedrock.language import LanguageModel
from local.bedrock.learner import Memory, Pair, Step
from local.bedrock.wire import Refusal
from local.bedrock.world import (
    CONTINUED,
    JOB_MINUTES,
    Tuned,
    World,
    foundation_arn,
    kinds,
    new_id,
    now,
)
from tunedrop.catalog.model import BaseModel, Hyperparameter
from tunedrop.training.jobs import CUSTOMIZATION_TYPES

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")


class JobFailed(Exception):
    """A job's failureMessage, in Bedrock's words."""


class Jobs:
    """The operations on customization jobs, and the work behind them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        account, region = ministack.account(), ministack.region()
        world, token = self._world, request.get("clientRequestToken", "")
        with world.lock:
            if token and ("job", token) in world.tokens:
                return {"jobArn": world.tokens["job", token]}
            parent = world.models.get(request["baseModelIdentifier"])
            base = parent.base if parent else world.foundation_model(request["baseModelIdentifier"], region)
            self._refuse_if_impossible(request, base)
            arn = f"arn:aws:bedrock:{region}:{account}:model-customization-job/{base.id}/{new_id()}"
            if ministack.assume_role(request["roleArn"], "bedrock.amazonaws.com", account, arn) is None:
                raise Refusal(
                    "ValidationException",
                    "Could not assume provided IAM role. Please make sure that the role exists "
                    "and Bedrock is allowed to assume it.",
                )
            world.jobs[arn] = self._new(arn, request, base, parent)
            if token:
                world.tokens["job", token] = arn
        work = threading.Thread(target=self._work, args=(arn, base, account, region), daemon=True)
        work.start()
        return {"jobArn": arn}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._find(request["jobIdentifier"])
        return {name: value for name, value in job.items() if value is not None and name[0] != "_"}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted, part = request.get("statusEquals"), request.get("nameContains", "")
        found = [
            {
                "jobArn": job["jobArn"],
                "jobName": job["jobName"],
                "baseModelArn": job["baseModelArn"],
                "status": job["status"],
                "statusDetails": job["statusDetails"],
                "creationTime": job["creationTime"],
                "customizationType": job["customizationType"],
            }
            for job in self._world.jobs.values()
            if wanted in (None, job["status"]) and part in job["jobName"]
        ]
        return {"modelCustomizationJobSummaries": found}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._world.lock:
            job = self._find(request["jobIdentifier"])
            if job["status"] != "InProgress":
                raise Refusal("ConflictException", f"The job {job['jobName']} is not in progress.")
            job["status"] = "Stopping"
        return {}

    def _find(self, identifier: str) -> dict[str, Any]:
        for job in self._world.jobs.values():
            if identifier in (job["jobArn"], job["jobName"]):
                return job
        raise Refusal("ResourceNotFoundException", f"The job {identifier} could not be found.")

    def _refuse_if_impossible(self, request: dict[str, Any], base: BaseModel) -> None:
        jobs = self._world.jobs.values()
        if any(job["jobName"] == request["jobName"] for job in jobs):
            raise Refusal("ValidationException", "The provided job name is currently in use.")
        if any(model.name == request["customModelName"] for model in self._world.models.values()):
            raise Refusal("ValidationException", "The provided model name is currently in use.")
        kind = request.get("customizationType", "FINE_TUNING")
        if kind not in kinds(base):
            raise Refusal("ValidationException", f"{kind} is not supported for {base.id}")
        offered = _hyperparameters(kind, base)
        for name, value in request.get("hyperParameters", {}).items():
            known = offered.get(name)
            if known is None or not known.minimum <= float(value) <= known.maximum:
                raise Refusal(
                    "ValidationException", f"The value of hyperparameter {name} is not valid: {value}"
                )
        running = sum(job["status"] in ("InProgress", "Stopping") for job in jobs)
        if running >= self._world.quotas.customization_jobs:
            raise Refusal(
                "ServiceQuotaExceededException", "You have reached the limit of scheduled customization jobs."
            )

    def _new(
        self, arn: str, request: dict[str, Any], base: BaseModel, parent: Tuned | None
    ) -> dict[str, Any]:
        moment = now()
        kept = {
            name: request.get(name)
            for name in (
                "jobName",
                "roleArn",
                "clientRequestToken",
                "trainingDataConfig",
                "outputDataConfig",
            )
        }
        kind = request.get("customizationType", "FINE_TUNING")
        offered = _hyperparameters(kind, base)
        defaults = {name: one.written(one.default) for name, one in offered.items()}
        phase = {"status": "NotStarted", "creationTime": moment, "lastModifiedTime": moment}
        return kept | {
            "jobArn": arn,
            "outputModelName": request["customModelName"],
            "outputModelKmsKeyArn": request.get("customModelKmsKeyId"),
            "validationDataConfig": request.get("validationDataConfig"),
            "baseModelArn": parent.arn if parent else foundation_arn(base),
            "customizationType": request.get("customizationType", "FINE_TUNING"),
            "hyperParameters": defaults | request.get("hyperParameters", {}),
            "status": "InProgress",
            "statusDetails": {name: dict(phase) for name in PHASES},
            "creationTime": moment,
            "lastModifiedTime": moment,
            "_told": False,
            "_parent": parent.brain if parent else base_brain(CONTINUED in kinds(base)),
            "_tags": {tag["key"]: tag["value"] for tag in request.get("jobTags", [])},
            "_model_tags": {tag["key"]: tag["value"] for tag in request.get("customModelTags", [])},
        }

    # --- the work ------------------------------------------------------------------------------------------

    def _work(self, arn: str, base: BaseModel, account: str, region: str) -> None:
        job = self._world.jobs[arn]
        try:
            self._run(job, base, account, region)
        except JobFailed as error:
            self._finish(job, "Failed", account, region, str(error))
        except Exception as error:
            traceback.print_exc()
            self._finish(job, "Failed", account, region, f"Internal error: {type(error).__name__}")

    def _run(self, job: dict[str, Any], base: BaseModel, account: str, region: str) -> None:
        s3 = self._role_s3(job, account, region)
        if self._world.faults.events() == "early":
            self._tell(job | {"status": "Completed"}, account, region)
            job["_told"] = True
        self._phase(job, "validationDetails", 0.1)
        _probe_output(s3, job)
        train = _read_records(s3, job["trainingDataConfig"]["s3Uri"], base)
        validators = (job["validationDataConfig"] or {}).get("validators", [])
        validation = [record for one in validators for record in _read_records(s3, one["s3Uri"], base)]
        if failure := self._world.faults.take_job_failure(job["jobName"]):
            raise JobFailed(failure)
        self._phase(job, "dataProcessingDetails", 0.2)
        self._phase(job, "trainingDetails", 0.7)
        if job["status"] == "Stopping":
            return self._finish(job, "Stopped", account, region)
        brain, steps, validation_losses = _learn(job, train, validation)
        _write_metrics(s3, job, steps, validation_losses)
        job["trainingMetrics"] = {"trainingLoss": steps[-1].loss} if steps else {}
        job["validationMetrics"] = [{"validationLoss": loss} for loss in validation_losses[-1:]]
        self._keep(job, base, brain, account, region)
        return self._finish(job, "Completed", account, region)

    def _role_s3(self, job: dict[str, Any], account: str, region: str) -> Any:
        credentials = ministack.assume_role(job["roleArn"], "bedrock.amazonaws.com", account, job["jobArn"])
        if credentials is None:
            raise JobFailed("Could not assume provided IAM role.")
        return boto3.client("s3", region_name=region, endpoint_url=self._world.endpoint_url, **credentials)

    def _phase(self, job: dict[str, Any], name: str, share: float) -> None:
        details = job["statusDetails"][name]
        details.update(status="InProgress", lastModifiedTime=now())
        waited = 0.0
        while waited < share and job["status"] == "InProgress":
            self._world.pass_minutes(JOB_MINUTES * 0.05)
            waited += 0.05
        details.update(
            status="Completed" if job["status"] == "InProgress" else "Stopped", lastModifiedTime=now()
        )

    def _keep(self, job: dict[str, Any], base: BaseModel, brain: Brain, account: str, region: str) -> None:
        arn = f"arn:aws:bedrock:{region}:{account}:custom-model/{base.id}/{job['jobArn'].rpartition('/')[2]}"
        job["outputModelArn"] = arn
        with self._world.lock:
            self._world.models[arn] = Tuned(
                arn,
                job["outputModelName"],
                job["jobArn"],
                base,
                job["customizationType"],
                now(),
                brain,
                job["_model_tags"],
            )

    def _finish(
        self, job: dict[str, Any], status: str, account: str, region: str, failure: str | None = None
    ) -> None:
        moment = now()
        job.update(status=status, failureMessage=failure, lastModifiedTime=moment, endTime=moment)
        mode = self._world.faults.events()
        if mode == "never" or (mode == "early" and job["_told"]):
            return
        if mode == "late":
            self._world.pass_minutes(60)
        for _ in range(2 if mode == "twice" else 1):
            self._tell(job, account, region)

    def _tell(self, job: dict[str, Any], account: str, region: str) -> None:
        ministack.put_event(
            account,
            region,
            "aws.bedrock",
            "Model Customization Job State Change",
            [job["jobArn"]],
            _event_detail(job),
        )


def _hyperparameters(kind: str, base: BaseModel) -> dict[str, Hyperparameter]:
    methods = [name for name, one in CUSTOMIZATION_TYPES.items() if one == kind and name in base.methods]
    return base.hyperparameters_of(methods[0] if methods else "auto")


def _event_detail(job: dict[str, Any]) -> dict[str, Any]:
    def moment(value: datetime | None) -> str | None:
        return value.isoformat() if value else None

    validators = (job["validationDataConfig"] or {}).get("validators", [])
    detail = {
        "version": "0.0",
        "jobName": job["jobName"],
        "jobArn": job["jobArn"],
        "outputModelName": job["outputModelName"],
        "outputModelArn": job.get("outputModelArn"),
        "roleArn": job["roleArn"],
        "jobStatus": job["status"],
        "failureMessage": job.get("failureMessage"),
        "creationTime": moment(job["creationTime"]),
        "lastModifiedTime": moment(job["lastModifiedTime"]),
        "endTime": moment(job.get("endTime")),
        "baseModelArn": job["baseModelArn"],
        "hyperParameters": job["hyperParameters"],
        "trainingDataConfig": job["trainingDataConfig"],
        "validationDataConfig": validators[0] if validators else None,
        "outputDataConfig": job["outputDataConfig"],
    }
    return {name: value for name, value in detail.items() if value is not None}


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _probe_output(s3: Any, job: dict[str, Any]) -> None:
    bucket, prefix = _split(job["outputDataConfig"]["s3Uri"])
    key = f"{prefix.rstrip('/')}/.write_access_check_file.tmp"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    except ClientError as error:
        raise JobFailed(
            f"Could not validate PutObject permissions to access Amazon S3 bucket: {bucket} at key {key}. "
            f"({error.response['Error']['Code']})"
        ) from error


def _read_records(s3: Any, uri: str, base: BaseModel) -> list[dict[str, Any]]:
    bucket, key = _split(uri)
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise JobFailed(
            f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}. "
            f"({error.response['Error']['Code']})"
        ) from error
    records = []
    for line in body.decode("utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError as error:
            raise JobFailed(f"Unable to parse Amazon S3 file {key}. It must conform to JSONL.") from error
        records.append(record)
    formats = {rules.format for rules in base.methods.values()}
    wanted = {"converse": "messages", "prompt-completion": "completion", "text": "input"}
    keys = {wanted[name] for name in formats if name in wanted}
    if not records or not all(isinstance(one, dict) and keys & set(one) for one in records):
        raise JobFailed(
            f"Input data at {uri} must follow the format of {base.id}: {' or '.join(sorted(keys))}."
        )
    return records


def _pairs(record: dict[str, Any]) -> Iterator[Pair]:
    if "completion" in record:
        yield Pair(context_of([record["prompt"]]), record["completion"])
        return
    said: list[str] = []
    for message in record["messages"]:
        text = " ".join(block.get("text", "") for block in message["content"])
        if message["role"] == "assistant":
            yield Pair(context_of(said), text)
        said.append(text)


def _learn(
    job: dict[str, Any], train: Sequence[dict[str, Any]], validation: Sequence[dict[str, Any]]
) -> tuple[Brain, list[Step], list[float]]:
    settings = job["hyperParameters"]
    epochs, rate = int(float(settings["epochCount"])), float(settings["learningRate"])
    parent: Brain = job["_parent"]
    if job["customizationType"] == CONTINUED:
        language = LanguageModel()
        steps = list(language.train([record["input"] for record in train], epochs, rate))
        held_out = [record["input"] for record in validation]
        losses = [language.loss_on(held_out)] if held_out else []
        return Brain(memory=parent.memory, language=language), steps, losses
    known = parent.memory.pairs if parent.memory is not None else []
    memory = Memory([*known, *(pair for record in train for pair in _pairs(record))])
    held = [pair for record in validation for pair in _pairs(record)]
    steps, losses = [], []
    for step in memory.train(epochs, rate):
        if steps and step.epoch != steps[-1].epoch and held:
            losses.append(memory.loss_on(held))
        steps.append(step)
    if held:
        losses.append(memory.loss_on(held))
    return Brain(memory=memory, language=parent.language), steps, losses


def _write_metrics(s3: Any, job: dict[str, Any], steps: Sequence[Step], losses: Sequence[float]) -> None:
    bucket, prefix = _split(job["outputDataConfig"]["s3Uri"])
    root = f"{prefix.rstrip('/')}/model-customization-job-{job['jobArn'].rpartition('/')[2]}"
    rows = [(one.number, one.epoch, f"{one.loss:.6f}", f"{math.exp(min(one.loss, 50)):.6f}") for one in steps]
    training = _csv(("step_number", "epoch_number", "training_loss", "perplexity"), rows)
    s3.put_object(
        Bucket=bucket, Key=f"{root}/training_artifacts/step_wise_training_metrics.csv", Body=training
    )
    if losses:
        last = {step.epoch: step.number for step in steps}
        rows = [
            (last.get(epoch, epoch), epoch, f"{loss:.6f}", f"{math.exp(min(loss, 50)):.6f}")
            for epoch, loss in enumerate(losses)
        ]
        validation = _csv(("step_number", "epoch_number", "validation_loss", "perplexity"), rows)
        key = f"{root}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
        s3.put_object(Bucket=bucket, Key=key, Body=validation)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()

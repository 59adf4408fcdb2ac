"""Model customization jobs: they assume the role, read the data, learn, write their files, send events."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from local import ministack
from local.bedrock import files, job_events, lessons
from local.bedrock.brain import Brain
from local.bedrock.files import JobFailed
from local.bedrock.wire import Refusal
from local.bedrock.world import (
    JOB_MINUTES,
    Tuned,
    World,
    foundation_arn,
    kinds,
    new_id,
    now,
)
from tunedrop.catalog.method import Hyperparameter
from tunedrop.catalog.model import BaseModel
from tunedrop.training.engines.bedrock.jobs import CUSTOMIZATION_TYPES

TICK_MINUTES = JOB_MINUTES * 0.05
"""The interval in which a job checks whether it was stopped."""

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")


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
        if self._world.state_of(base) != "active":
            # The message is from a refused job (public report, 2026); the code is a belief.
            raise Refusal(
                "ValidationException",
                "Access denied. This Model is marked by provider as Legacy and you have not been actively "
                "using the model in the last 15 days. Please upgrade to an active model on Amazon Bedrock",
            )
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
        _refuse_wrong_method_settings(kind, request.get("customizationConfig", {}), base)
        running = sum(job["status"] in ("InProgress", "Stopping") for job in jobs)
        if running >= self._world.quota("customization_jobs"):
            raise Refusal(
                "ServiceQuotaExceededException", "You have reached the limit of scheduled customization jobs."
            )
        if len(self._world.models) + running >= self._world.quota("custom_models"):
            raise Refusal("ServiceQuotaExceededException", "You have reached the limit of custom models.")

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
            "validationDataConfig": request.get("validationDataConfig", {"validators": []}),
            # Of a custom model that is tuned further too: the answer's pattern has no other ARN (botocore).
            "baseModelArn": foundation_arn(base),
            "customizationType": request.get("customizationType", "FINE_TUNING"),
            "hyperParameters": defaults | request.get("hyperParameters", {}),
            "status": "InProgress",
            "statusDetails": {name: dict(phase) for name in PHASES},
            "creationTime": moment,
            "lastModifiedTime": moment,
            "_told": False,
            "_parent": parent.brain if parent else self._world.base_brain_of(base),
            "_method": request.get("customizationConfig", {}),
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
        client = self._clients(job, account, region)
        s3 = client("s3")
        if self._world.faults.events() == "early":
            self._tell(job | {"status": "Completed"}, account, region)
            job["_told"] = True
        self._phase(job, "validationDetails", 0.1)
        files.probe_output(s3, job)
        train = files.read_records(s3, job["trainingDataConfig"]["s3Uri"], base)
        validators = job["validationDataConfig"]["validators"]
        validation = [record for one in validators for record in files.read_records(s3, one["s3Uri"], base)]
        counts = {"train.jsonl": len(train)} | ({"validation.jsonl": len(validation)} if validation else {})
        files.write_input_status(s3, job, counts)
        if failure := self._world.faults.take_job_failure(job["jobName"]):
            raise JobFailed(failure)
        self._phase(job, "dataProcessingDetails", 0.2)
        with self._at_work(job, "trainingDetails", 0.7):
            stopped = job["status"] == "Stopping"
            learned = None if stopped else lessons.learn(job, base, train, validation, client)
        if learned is None or job["status"] == "Stopping":
            return self._finish(job, "Stopped", account, region)
        files.write_metrics(s3, job, learned.steps, learned.losses)
        job["trainingMetrics"] = {"trainingLoss": learned.steps[-1].loss} if learned.steps else {}
        job["validationMetrics"] = [{"validationLoss": loss} for loss in learned.losses[-1:]]
        self._keep(job, base, learned.brain, account, region)
        return self._finish(job, "Completed", account, region)

    def _clients(self, job: dict[str, Any], account: str, region: str) -> lessons.Client:
        credentials = ministack.assume_role(job["roleArn"], "bedrock.amazonaws.com", account, job["jobArn"])
        if credentials is None:
            raise JobFailed("Could not assume provided IAM role.")
        session = boto3.Session(region_name=region, **credentials)
        return lambda service: session.client(service, endpoint_url=self._world.endpoint_url)

    def _phase(self, job: dict[str, Any], name: str, share: float) -> None:
        """A phase that only takes time."""
        with self._at_work(job, name, share):
            pass

    @contextmanager
    def _at_work(self, job: dict[str, Any], name: str, share: float) -> Iterator[None]:
        """A phase of the job: its share of the time, and what is done in the block."""
        details = job["statusDetails"][name]
        details.update(status="InProgress", lastModifiedTime=now())
        passed, faults = 0.0, self._world.faults
        while job["status"] == "InProgress" and passed < share * faults.minutes("training", JOB_MINUTES):
            self._world.pass_minutes(TICK_MINUTES)
            passed += TICK_MINUTES
        yield
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
            [job_events.arn(job)],
            job_events.detail(job),
        )


def _refuse_wrong_method_settings(kind: str, config: dict[str, Any], base: BaseModel) -> None:
    needed = {"DISTILLATION": "distillationConfig", "REINFORCEMENT_FINE_TUNING": "rftConfig"}.get(kind)
    if (needed is None) != (not config) or (needed and needed not in config):
        raise Refusal("ValidationException", f"customizationConfig is not valid for {kind}")
    if needed == "distillationConfig":
        teacher = config[needed]["teacherModelConfig"]["teacherModelIdentifier"]
        if teacher not in {one.id for one in base.methods["distillation"].teachers}:
            raise Refusal("ValidationException", f"{teacher} is not a supported teacher for {base.id}")


def _hyperparameters(kind: str, base: BaseModel) -> dict[str, Hyperparameter]:
    methods = [name for name, one in CUSTOMIZATION_TYPES.items() if one == kind and name in base.methods]
    return base.hyperparameters_of(methods[0] if methods else "auto")

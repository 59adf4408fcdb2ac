"""Serverless training jobs: what is refused at once, what is said of a job, and stopping it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from local import ministack
from local.bedrock.wire import Refusal
from local.bedrock.world import now
from local.sagemaker import hyperparameters, instances
from local.sagemaker.hub import HubModel, content_arn, models
from local.sagemaker.packages import Packages
from local.sagemaker.private_hubs import function_of
from local.sagemaker.state import State, here, page, tags_in
from local.sagemaker.statuses import enter
from local.sagemaker.training import Training

REGIONS = ("us-east-1", "us-west-2", "ap-northeast-1", "eu-west-1")
"""Where open weights are customized (SageMaker Python SDK, finetune_utils)."""

A_DAY_IN_SECONDS = 24 * 3600

AFTER = {
    "SFT": ("SFT", "DPO", "RLVR", "RLAIF"),
    "DPO": ("SFT", "DPO", "RLVR", "RLAIF"),
    "RLVR": ("RLVR", "DPO"),
    "RLAIF": ("RLAIF", "DPO"),
}
"""What can be done with the result of a technique (developer guide, customizing-models-continuous)."""

KEPT = (
    "TrainingJobName", "RoleArn", "InputDataConfig", "OutputDataConfig", "ServerlessJobConfig",
    "ModelPackageConfig", "MlflowConfig", "VpcConfig",
)  # fmt: skip


class Jobs:
    """The operations on training jobs."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._packages = Packages(state)

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        account, region = ministack.account(), ministack.region()
        arn = here("training-job", request["TrainingJobName"])
        with self._state.world.lock:
            if arn in self._state.jobs:
                raise Refusal(
                    "ResourceInUse",
                    "Job name must be unique within an AWS account and region, and a job with this name "
                    f"already exists ({arn})",
                )
            on_instance = "ServerlessJobConfig" not in request
            model = (
                instances.refuse_if_impossible(self._state, request, region)
                if on_instance
                else self._refuse_if_impossible(request, region)
            )
            if ministack.assume_role(request["RoleArn"], "sagemaker.amazonaws.com", account, arn) is None:
                raise Refusal(
                    "ValidationException",
                    f"Could not assume role {request['RoleArn']}. Please ensure that the role exists and "
                    "allows principal 'sagemaker.amazonaws.com' to assume the role.",
                )
            job = self._new_on_instance(arn, request) if on_instance else self._new(arn, request)
            self._state.jobs[arn] = job
        at_work = instances.OnInstance if on_instance else Training
        work = at_work(self._state, self._packages, job, model, account, region)
        threading.Thread(target=work.run, daemon=True).start()
        return {"TrainingJobArn": arn}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._find(request)
        return {name: value for name, value in job.items() if name[0] != "_"}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted, part = request.get("StatusEquals"), request.get("NameContains", "")
        kept = ("TrainingJobName", "TrainingJobArn", "CreationTime", "LastModifiedTime", "TrainingEndTime",
                "TrainingJobStatus", "SecondaryStatus")  # fmt: skip
        mine = here("training-job", "")
        jobs = list(self._state.jobs.items())
        found = [
            {name: job[name] for name in kept if name in job}
            for arn, job in (jobs if request.get("SortOrder") == "Ascending" else reversed(jobs))
            if arn.startswith(mine)
            and wanted in (None, job["TrainingJobStatus"])
            and part in job["TrainingJobName"]
        ]
        return page(found, request, "TrainingJobSummaries")

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._state.world.lock:
            job = self._find(request)
            if job["TrainingJobStatus"] != "InProgress":
                raise Refusal(
                    "ValidationException",
                    f"The request was rejected because the training job is in status "
                    f"{job['TrainingJobStatus']}.",
                )
            job["TrainingJobStatus"] = "Stopping"
            enter(job, "Stopping")
        return {}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """The record of a job that is over; what it made stays."""
        with self._state.world.lock:
            job = self._find(request)
            if job["TrainingJobStatus"] in ("InProgress", "Stopping"):
                raise Refusal(
                    "ResourceInUse",
                    f"The training job {job['TrainingJobName']} is in status {job['TrainingJobStatus']}.",
                )
            del self._state.jobs[job["TrainingJobArn"]]
        return {}

    def _find(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._state.jobs.get(here("training-job", request["TrainingJobName"]))
        if job is None:
            raise Refusal("ValidationException", "Requested resource not found.")
        return job

    def _refuse_if_impossible(self, request: dict[str, Any], region: str) -> HubModel:
        config = request.get("ServerlessJobConfig")
        if config is None or config["JobType"] != "FineTuning" or "AlgorithmSpecification" in request:
            raise Refusal("ValidationException", "only serverless fine-tuning is part of the local SageMaker")
        if region not in REGIONS:
            raise Refusal("ValidationException", f"Serverless training jobs are not supported in {region}.")
        model = _base(config)
        technique, peft = config.get("CustomizationTechnique", ""), config.get("Peft", "")
        if technique not in model.techniques or not (peft or model.full):
            raise Refusal(
                "ValidationException", f"{technique} ({peft or 'full'}) is not supported for {model.name}."
            )
        if technique not in hyperparameters.OF_TECHNIQUES:
            raise Refusal("ValidationException", f"{technique} is not part of the local SageMaker")
        if technique == "RLVR":
            self._refuse_wrong_reward(config)
        if model.licence and not config.get("AcceptEula"):
            raise Refusal(
                "ValidationException",
                f"The model {model.name} requires accepting its end-user license agreement: AcceptEula must "
                "be true.",
            )
        channels = {one["ChannelName"] for one in request.get("InputDataConfig", ())}
        if "train" not in channels or not channels <= {"train", "validation"}:
            raise Refusal("ValidationException", "InputDataConfig must have a channel named train.")
        hyperparameters.refuse_wrong(request.get("HyperParameters", {}), technique)
        self._refuse_wrong_package(request, model)
        running = sum(job["TrainingJobStatus"] in ("InProgress", "Stopping")
                      for job in self._state.jobs.values())  # fmt: skip
        limit = self._state.world.quota("training_jobs")
        if running >= limit:
            raise Refusal(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Number of serverless training jobs' is {limit}, with "
                f"current utilization of {running} and a request delta of 1.",
            )
        return model

    def _refuse_wrong_reward(self, config: dict[str, Any]) -> None:
        evaluator = config.get("EvaluatorArn", "")
        if not evaluator:
            raise Refusal(
                "ValidationException",
                "RLVR needs an EvaluatorArn: presets are not part of the local SageMaker",
            )
        if not function_of(self._state, evaluator):
            raise Refusal("ValidationException", f"The evaluator {evaluator} could not be found.")

    def _refuse_wrong_package(self, request: dict[str, Any], model: HubModel) -> None:
        config, job = request.get("ModelPackageConfig"), request["ServerlessJobConfig"]
        if config is None:
            raise Refusal("ValidationException", "ModelPackageConfig is required for serverless jobs.")
        self._packages.group(config["ModelPackageGroupArn"])
        if "SourceModelPackageArn" not in config:
            return
        source = self._packages.package(config["SourceModelPackageArn"])
        technique = job["CustomizationTechnique"]
        if source.model != model.name or not (source.peft and job.get("Peft")):
            raise Refusal(
                "ValidationException", f"The model package {source.arn} cannot be the source of this job."
            )
        if technique not in AFTER[source.technique]:
            raise Refusal("ValidationException", f"{technique} cannot follow {source.technique}.")

    def _new(self, arn: str, request: dict[str, Any]) -> dict[str, Any]:
        technique = request["ServerlessJobConfig"]["CustomizationTechnique"]
        given = hyperparameters.defaults(technique) | request.get("HyperParameters", {})
        return _begun(arn, request, KEPT, _output(request)) | {"HyperParameters": given}

    def _new_on_instance(self, arn: str, request: dict[str, Any]) -> dict[str, Any]:
        return _begun(arn, request, instances.KEPT, instances.output(request))


def _begun(arn: str, request: dict[str, Any], kept: Sequence[str], output: str) -> dict[str, Any]:
    """A job that has just been taken."""
    job = {name: request[name] for name in kept if name in request} | {
        "TrainingJobArn": arn,
        "TrainingJobStatus": "InProgress",
        "StoppingCondition": {"MaxRuntimeInSeconds": A_DAY_IN_SECONDS} | request.get("StoppingCondition", {}),
        "CreationTime": now(),
        "SecondaryStatusTransitions": [],
        "ModelArtifacts": {"S3ModelArtifacts": output},
        "_tags": tags_in(request),
    }
    enter(job, "Starting")
    return job


def _base(config: dict[str, Any]) -> HubModel:
    for one in models().values():
        arn = content_arn(one)
        if config["BaseModelArn"] == arn or config["BaseModelArn"].startswith(f"{arn}/"):
            return one
    raise Refusal("ValidationException", f"The base model {config['BaseModelArn']} could not be found.")


def _output(request: dict[str, Any]) -> str:
    path = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{path}/{request['TrainingJobName']}/output/model/"

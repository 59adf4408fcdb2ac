"""Serverless training jobs (API: sagemaker 2017-07-24, botocore 1.43.106, read 2026-11-29)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed, TransientError
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import engine
from tunedrop.training.engine import Job, QuotaFull, Status
from tunedrop.training.engines.sagemaker_serverless import hub, packages
from tunedrop.training.engines.sagemaker_serverless.answers import is_missing

TECHNIQUES: dict[Method, str] = {"instruction": "SFT", "single-turn": "SFT", "multi-turn": "SFT"}
"""The API's `CustomizationTechnique` for each method."""

LONGEST_SECONDS = 86_400
"""How long a job may run: the SDK's limit for serverless jobs; the API takes up to 28 days."""

UNFREEABLE = (
    "SageMaker AI starts no training job although none runs in this account and Region, so that waiting "
    "would not help: a quota is full. See Service Quotas, service sagemaker, for serverless model "
    "customization, and ask for more there"
)

_ROLE_NOT_READY = "assume"
"""Part of the message while a new role still spreads through IAM."""

_NOT_TRAINING = frozenset({"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"})
"""`SecondaryStatus` before a job trains."""


def name_in(name_or_arn: str) -> str:
    """The name of a job, which SageMaker takes, from its ARN."""
    return name_or_arn.rpartition("/")[2]


def start(
    sagemaker: Any, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str
) -> StartedJob:
    """Start a job, or find the one that an earlier try has started: the name is the idempotency."""
    name = engine.name_of(stage, run, planned.number)
    try:
        group = packages.group(sagemaker, stage, base_model)
        answer = sagemaker.create_training_job(
            **_request(stage, run, planned, base_model, parent, name, group)
        )
    except ClientError as error:
        return _after_refusal(sagemaker, name, error)
    return StartedJob(outcome="started", job_arn=answer["TrainingJobArn"], job_name=name)


def describe(sagemaker: Any, name_or_arn: str) -> Job | None:
    """A job, or None where there is none of this name."""
    try:
        answer = sagemaker.describe_training_job(TrainingJobName=name_in(name_or_arn))
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return _job(answer)


def with_weights(sagemaker: Any, job: Job) -> Job:
    """The same with the place of its weights, where it has made a model."""
    if job.status != "Completed" or not job.model_arn:
        return job
    return msgspec.structs.replace(job, output_uri=packages.weights(sagemaker, job.model_arn))


def stop(sagemaker: Any, job_arn: str) -> bool:
    """Stop a job. False when it had ended before."""
    try:
        sagemaker.stop_training_job(TrainingJobName=name_in(job_arn))
    except ClientError as error:
        if is_missing(error) or aws.code_of(error) == "ValidationException":
            return False
        raise
    return True


def count_in_progress(sagemaker: Any) -> int:
    """Training jobs of this account and Region that run, whoever started them."""
    pages = sagemaker.get_paginator("list_training_jobs")
    return sum(
        len(page["TrainingJobSummaries"])
        for status in ("InProgress", "Stopping")
        for page in pages.paginate(StatusEquals=status)
    )


def tags(stage: Stage, run: Run) -> list[dict[str, str]]:
    """Whose a resource of SageMaker's is; it spells the keys in capitals."""
    return [{"Key": one["key"], "Value": one["value"]} for one in naming.tags(stage.name, run.run_id)]


def _request(
    stage: Stage,
    run: Run,
    planned: PlannedJob,
    base_model: BaseModel,
    parent: str,
    name: str,
    group: str,
) -> dict[str, Any]:
    dataset = planned.dataset
    channels = {"train": dataset.train, "validation": dataset.validation}
    package = {"ModelPackageGroupArn": group}
    config: dict[str, Any] = {
        "BaseModelArn": hub.arn(stage.region, base_model),
        "JobType": "FineTuning",
        "CustomizationTechnique": TECHNIQUES[dataset.method],
        "Peft": "LORA",
    }
    if run.accept_eula:
        config["AcceptEula"] = True
    return {
        "TrainingJobName": name,
        "RoleArn": stage.training_role_arn,
        "ServerlessJobConfig": config,
        # Bedrock imports whole weights: an adapter has to be merged into its base.
        "HyperParameters": {**_asked(planned.hyperparameters), "merge_weights": "true"},
        "InputDataConfig": [
            _channel(channel, file.uri) for channel, file in channels.items() if file is not None
        ],
        "OutputDataConfig": {
            "S3OutputPath": naming.uri(stage.artifacts_bucket, naming.training_prefix(run.run_id)),
            "KmsKeyId": stage.key_arn,
        },
        "ModelPackageConfig": package | ({"SourceModelPackageArn": parent} if parent else {}),
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_SECONDS},
        "Tags": tags(stage, run),
    }


def _asked(hyperparameters: Mapping[str, str]) -> dict[str, str]:
    """Those that are to be other than the recipe's own."""
    return {name: value for name, value in hyperparameters.items() if value != "auto"}


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _after_refusal(sagemaker: Any, name: str, error: ClientError) -> StartedJob:
    code, message = aws.code_of(error), aws.message_of(error)
    if code == "ResourceLimitExceeded":
        raise QuotaFull(message) from error
    if code == "ResourceInUse":
        earlier = describe(sagemaker, name)
        if earlier is not None:
            return engine.started(earlier)
    if aws.is_transient(error) or _ROLE_NOT_READY in message:
        raise TransientError(aws.explain(error)) from error
    raise CustomizationFailed(f"SageMaker AI refused the training job: {message} ({code})") from error


def _job(answer: Mapping[str, Any]) -> Job:
    secondary = answer.get("SecondaryStatus", "")
    trains = answer["TrainingJobStatus"] != "InProgress" or secondary not in _NOT_TRAINING
    why = answer.get("FailureReason", "")
    if secondary == "MaxRuntimeExceeded":
        why = f"it was stopped at its run-time limit of {LONGEST_SECONDS // 3600} hours; {why}".rstrip("; ")
    status: Status = "Failed" if secondary == "MaxRuntimeExceeded" else answer["TrainingJobStatus"]
    return Job(
        arn=answer["TrainingJobArn"],
        name=answer["TrainingJobName"],
        status=status,
        role_arn=answer.get("RoleArn", ""),
        failure=why,
        phases={"training": _phase(answer, secondary) if trains else "NotStarted"},
        model_arn=answer.get("OutputModelPackageArn", ""),
        output_uri=answer.get("OutputDataConfig", {}).get("S3OutputPath", ""),
        started_at=_moment(answer.get("TrainingStartTime") or answer.get("CreationTime")),
        ended_at=_moment(answer.get("TrainingEndTime")),
        trained_tokens=int(answer.get("BillableTokenCount", 0)),
    )


def _phase(answer: Mapping[str, Any], secondary: str) -> str:
    progress = answer.get("ProgressInfo") or {}
    current, most = progress.get("CurrentEpoch"), progress.get("MaxEpoch")
    return f"{secondary}, epoch {current} of {most}" if current is not None and most else secondary


def _moment(value: datetime | None) -> str:
    return clock.write(value) if value is not None else ""

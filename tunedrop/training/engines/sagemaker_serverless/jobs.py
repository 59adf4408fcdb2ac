"""Serverless training jobs: the requests to CreateTrainingJob, and the meaning of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed, TransientError
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import public_hub
from tunedrop.training import sagemaker as training_jobs
from tunedrop.training.engines.sagemaker_serverless import data, evaluators, packages
from tunedrop.training.job import Job, QuotaFull, started
from tunedrop.training.sagemaker import channel, tags

TECHNIQUES: dict[Method, str] = {
    "instruction": "SFT",
    "single-turn": "SFT",
    "multi-turn": "SFT",
    "preference": "DPO",
    "reinforcement": "RLVR",
}
"""The API's `CustomizationTechnique` for each method."""

_AFTER = {
    "SFT": ("SFT", "DPO", "RLVR"),
    "DPO": ("SFT", "DPO", "RLVR"),
    "RLVR": ("RLVR", "DPO"),
}
"""Which technique can continue from another's model (developer guide, customizing-models-continuous, read
2026-11-29)."""

NEAREST = "Tune on examples first and by reinforcement last: by preference it can go on from there"

LONGEST_SECONDS = 86_400
"""`MaxRuntimeInSeconds` of a job: a day, the API's default, which SageMaker's Python SDK also sets for
serverless jobs. The API takes up to 28 days (botocore's service model of sagemaker)."""

UNFREEABLE = (
    "SageMaker AI starts no training job although none runs in this account and Region, so that waiting "
    "would not help: a quota is full. See Service Quotas, service sagemaker, for serverless model "
    "customization, and ask for more there"
)

_DELETED = "the model {job.model_arn} of the training job {job.name} was deleted"


def start(
    aws_: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, parent: str, name: str
) -> StartedJob:
    """Start a job, or find the one that an earlier try has started: the job's name is the idempotency key.

    Raises
    ------
    CustomizationFailed, TransientError, QuotaFull
        As `TrainingEngine.start`.
    """
    sagemaker = aws_.sagemaker
    evaluator = evaluators.register(sagemaker, stage) if planned.method == "reinforcement" else ""
    try:
        group = packages.group(sagemaker, stage, base_model)
        channels = data.place(aws_.s3, stage, run, planned, name)
        asked = _request(stage, run, planned, base_model, parent, name, group, channels)
        if evaluator:
            asked["ServerlessJobConfig"]["EvaluatorArn"] = evaluator
        answer = sagemaker.create_training_job(**asked)
    except ClientError as error:
        return _after_refusal(sagemaker, name, error)
    return StartedJob(outcome="started", job_arn=answer["TrainingJobArn"], job_name=name)


def may_follow(before: Method, after: Method) -> bool:
    """Whether a job of one method can continue from the model of a job of another."""
    return before in TECHNIQUES and TECHNIQUES.get(after) in _AFTER[TECHNIQUES[before]]


def describe(sagemaker: Any, name_or_arn: str) -> Job | None:
    """A job, or None if there is none of this name."""
    answer = training_jobs.describe(sagemaker, name_or_arn)
    if answer is None:
        return None
    return msgspec.structs.replace(
        training_jobs.job(answer),
        model_arn=answer.get("OutputModelPackageArn", ""),
        trained_tokens=int(answer.get("BillableTokenCount", 0)),
    )


def with_weights(sagemaker: Any, job: Job) -> Job:
    """The job with the location of its weights, if it has made a model.

    Raises
    ------
    CustomizationFailed
        If the model was deleted; a job of another run may have got its ARN since.
    """
    if job.status != "Completed" or not job.model_arn:
        return job
    try:
        where = packages.weights(sagemaker, job.model_arn)
    except ClientError as error:
        if not training_jobs.is_missing(error):
            raise
        raise CustomizationFailed(_DELETED.format(job=job)) from error
    mine = naming.run_of(job.output_uri)
    if mine and naming.run_of(where) not in ("", mine):
        raise CustomizationFailed(_DELETED.format(job=job))
    return msgspec.structs.replace(job, output_uri=where)


def _request(
    stage: Stage,
    run: Run,
    planned: PlannedJob,
    base_model: BaseModel,
    parent: str,
    name: str,
    group: str,
    channels: Mapping[str, str],
) -> dict[str, Any]:
    package = {"ModelPackageGroupArn": group}
    config: dict[str, Any] = {
        "BaseModelArn": public_hub.arn(stage.region, base_model),
        "JobType": "FineTuning",
        "CustomizationTechnique": TECHNIQUES[planned.method],
        "Peft": "LORA",
    }
    if run.accept_eula:
        config["AcceptEula"] = True
    return {
        "TrainingJobName": name,
        "RoleArn": stage.training_role_arns["sagemaker-serverless"],
        "ServerlessJobConfig": config,
        "HyperParameters": _asked(planned),
        "InputDataConfig": [channel(name, uri) for name, uri in channels.items()],
        "OutputDataConfig": {
            "S3OutputPath": naming.uri(stage.artifacts_bucket, naming.training_prefix(run.run_id)),
            "KmsKeyId": stage.key_arn,
        },
        "ModelPackageConfig": package | ({"SourceModelPackageArn": parent} if parent else {}),
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_SECONDS},
        "Tags": tags(stage, run),
    }


def _asked(planned: PlannedJob) -> dict[str, str]:
    """The hyperparameters, all of which the developer guide calls required (customizing-models-sft, -dpo and
    -rft), but for the one that splits the data.

    Bedrock imports full weights: an adapter must be merged into its base, which RLVR jobs always do
    (aws/sagemaker-hyperpod-recipes, resolve_model_artifacts.py and docs/HYPERPARAMETERS.md, which has no
    merge_weights for them; read 2026-11-29).
    """
    asked = {name: value for name, value in planned.hyperparameters.items() if value != "auto"}
    return asked if planned.method == "reinforcement" else asked | {"merge_weights": "true"}


def _after_refusal(sagemaker: Any, name: str, error: ClientError) -> StartedJob:
    code, message = aws.code_of(error), aws.message_of(error)
    if code == "ResourceLimitExceeded":
        raise QuotaFull(message) from error
    if code == "ResourceInUse":
        earlier = describe(sagemaker, name)
        if earlier is not None:
            return started(earlier)
    if training_jobs.may_heal(error):
        raise TransientError(aws.explain(error)) from error
    raise CustomizationFailed(f"SageMaker AI refused the training job: {message} ({code})") from error

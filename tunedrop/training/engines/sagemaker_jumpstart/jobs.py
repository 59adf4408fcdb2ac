"""Training jobs with JumpStart's script: the requests to CreateTrainingJob, and the meaning of errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Run, StartedJob
from tunedrop.errors import CustomizationFailed, TransientError
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training import sagemaker
from tunedrop.training.engines.sagemaker_jumpstart import data, limits
from tunedrop.training.engines.sagemaker_jumpstart import template as templates
from tunedrop.training.engines.sagemaker_jumpstart.template import Incomplete, Template
from tunedrop.training.job import QuotaFull, started

SCRIPT = "transfer_learning.py"
"""The script in every archive of JumpStart's (sagemaker-python-sdk, TRAINING_ENTRY_POINT_SCRIPT_NAME)."""

DOMAIN_ADAPTATION = {
    "instruction_tuned": "False",
    "chat_dataset": "False",
    # Bedrock imports full weights: an adapter would have to be merged first.
    "peft_type": "None",
}
"""Next-token training on raw text, of all weights (AWS's notebook on Mistral 7B and custom model import)."""

UNFREEABLE = (
    "SageMaker AI starts no training job although none runs in this account and Region, so that waiting "
    "would not help: a quota of training instances is full. See Service Quotas, service sagemaker"
)

_LIMIT = re.compile(r"service limit '(?P<name>[^']+)' is (?P<most>\d+) .*utilization of (?P<used>\d+)")
"""SageMaker's message about instances (many public logs)."""


def start(
    aws_: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, name: str
) -> StartedJob:
    """Start a job, or find the one that an earlier try has started: the job's name is the idempotency key.

    Raises
    ------
    CustomizationFailed, TransientError, QuotaFull
        As `TrainingEngine.start`; the first also if the hub document lacks what a job needs.
    """
    client = aws_.sagemaker
    if (earlier := sagemaker.describe(client, name)) is not None:
        return started(sagemaker.job(earlier))
    try:
        template = templates.describe(client, base_model)
        channels = data.place(aws_.s3, stage, run, planned, name)
        answer = client.create_training_job(
            **request(stage, run, planned, base_model, template, name, channels)
        )
    except Incomplete as error:
        raise CustomizationFailed(f"{base_model.name} {error}") from error
    except ClientError as error:
        return _after_refusal(client, stage, name, error)
    return StartedJob(outcome="started", job_arn=answer["TrainingJobArn"], job_name=name)


def request(
    stage: Stage,
    run: Run,
    planned: PlannedJob,
    base_model: BaseModel,
    template: Template,
    name: str,
    channels: Mapping[str, str],
) -> dict[str, Any]:
    """The request, as AWS's SDK would make it with this template."""
    instance = base_model.training_instance
    output = naming.uri(stage.artifacts_bucket, naming.training_prefix(run.run_id)).rstrip("/")
    algorithm: dict[str, Any] = {"TrainingImage": template.image_on(instance), "TrainingInputMode": "File"}
    if template.metrics:
        algorithm["MetricDefinitions"] = list(template.metrics)
    return {
        "TrainingJobName": name,
        "RoleArn": stage.training_role_arns["sagemaker-jumpstart"],
        "AlgorithmSpecification": algorithm,
        "HyperParameters": _hyperparameters(stage, planned, template, instance, name),
        "InputDataConfig": _inputs(run, template, channels),
        # Bedrock imports a folder, not an archive.
        "OutputDataConfig": {
            "S3OutputPath": output, "KmsKeyId": stage.key_arn, "CompressionType": "NONE",
        },
        # Instances with local disks accept no volume key (API reference, ResourceConfig).
        "ResourceConfig": {
            "InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": template.volume_gb,
        },
        "StoppingCondition": {
            "MaxRuntimeInSeconds": limits.run_seconds(planned, template.most_seconds),
            "MaxPendingTimeInSeconds": limits.PENDING_SECONDS,
        },
        "EnableNetworkIsolation": template.is_isolated,
        "EnableInterContainerTrafficEncryption": template.encrypts_traffic,
        "Tags": sagemaker.tags(stage, run),
    }  # fmt: skip


def _inputs(run: Run, template: Template, channels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The channels: data, weights and, if the container has no network, the training script."""
    data_channels = [sagemaker.channel(channel, uri) for channel, uri in channels.items()]
    model = sagemaker.channel(templates.MODEL_CHANNEL, template.artifact)
    model |= {"ContentType": "application/x-sagemaker-model", "InputMode": "File"}
    if template.is_gated and run.accept_eula:
        model["DataSource"]["S3DataSource"]["ModelAccessConfig"] = {"AcceptEula": True}
    code = [sagemaker.channel(templates.CODE_CHANNEL, template.script)] if template.is_isolated else []
    return [*data_channels, model, *code]


def _hyperparameters(
    stage: Stage, planned: PlannedJob, template: Template, instance: str, name: str
) -> dict[str, str]:
    """The hub's, those that select domain adaptation, and the plan's; the container reads JSON values."""
    known = template.defaults_on(instance)
    asked = {key: value for key, value in planned.hyperparameters.items() if value != "auto"}
    container = {
        "sagemaker_submit_directory": templates.SUBMITTED if template.is_isolated else template.script,
        "sagemaker_program": SCRIPT,
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": name,
        "sagemaker_region": stage.region,
    }
    return {
        **known,
        **{key: value for key, value in DOMAIN_ADAPTATION.items() if key in known},
        **asked,
        **{key: json.dumps(value) for key, value in container.items()},
    }


def _after_refusal(client: Any, stage: Stage, name: str, error: ClientError) -> StartedJob:
    code, message = aws.code_of(error), aws.message_of(error)
    if code == "ResourceLimitExceeded":
        found = _LIMIT.search(message)
        if found is not None and found["most"] == "0":
            hint = limits.request(found["name"], stage.region)
            raise CustomizationFailed(f"{message.rstrip('.')}. Nothing was billed. {hint}") from error
        raise QuotaFull(message) from error
    if code == "ResourceInUse" and (earlier := sagemaker.describe(client, name)) is not None:
        return started(sagemaker.job(earlier))
    if sagemaker.may_heal(error):
        raise TransientError(aws.explain(error)) from error
    raise CustomizationFailed(f"SageMaker AI refused the training job: {message} ({code})") from error

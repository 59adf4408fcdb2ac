"""Bedrock's model customization jobs (API: bedrock 2023-04-20, botocore 1.44.5, read 2026-11-23)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.contracts import Method, Run, StartedJob
from tunedrop.errors import CustomizationFailed, TransientError
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.engines.bedrock.custom_models import CUSTOM_MODELS
from tunedrop.training.job import Job, QuotaFull, started

CUSTOMIZATION_TYPES: dict[Method, str] = {
    "instruction": "FINE_TUNING",
    "single-turn": "FINE_TUNING",
    "multi-turn": "FINE_TUNING",
    "continued-pretraining": "CONTINUED_PRE_TRAINING",
    "distillation": "DISTILLATION",
    "reinforcement": "REINFORCEMENT_FINE_TUNING",
    "image-caption": "FINE_TUNING",
}
"""The API's `customizationType` for each method."""

_NAME_IN_USE = "currently in use"
"""Part of Bedrock's message for a job name that is taken; its code is ValidationException (reported by Apache
Airflow's operator, read 2026-11-23), and ConflictException is declared too."""

_ROLE_NOT_READY = "assume"
"""Part of the message while a new role propagates through IAM ("Could not assume provided IAM role")."""

SCHEDULED_JOBS = "L-0406044C"

UNFREEABLE = (
    "Bedrock starts no job although none runs in this account and Region, so that waiting would not help: a "
    "quota is full. See which with `tunedrop doctor`. Either custom models per account "
    f"({CUSTOM_MODELS}, 100 by default): delete some (tunedrop teardown RUN), or ask for more with `aws "
    f"service-quotas request-service-quota-increase --service-code bedrock --quota-code {CUSTOM_MODELS} "
    f"--desired-value 200`; or scheduled customization jobs ({SCHEDULED_JOBS}), which cannot be raised"
)


def start(bedrock: Any, stage: Stage, run: Run, planned: PlannedJob, base: str, name: str) -> StartedJob:
    """Start a customization job of the run, or find the one that an earlier try has started.

    The job's name and client token come from the run and its plan, so that retries start it only once.

    Parameters
    ----------
    base
        What to tune: a base model's id, or a custom model's ARN.
    name
        The job's.

    Raises
    ------
    CustomizationFailed
        If Bedrock refuses the job, and would refuse it again.
    TransientError
        If a later try may succeed.
    QuotaFull
        If a quota of the account is full; the caller knows whether waiting helps.
    """
    try:
        answer = bedrock.create_model_customization_job(**_request(stage, run, planned, base, name))
    except ClientError as error:
        return _after_refusal(bedrock, name, error)
    return StartedJob(outcome="started", job_arn=answer["jobArn"], job_name=name)


def describe(bedrock: Any, name_or_arn: str) -> Job | None:
    """A job as Bedrock describes it, or None if there is none of this name."""
    try:
        answer = bedrock.get_model_customization_job(jobIdentifier=name_or_arn)
    except ClientError as error:
        if aws.is_missing(error) or aws.code_of(error) == "ValidationException":
            return None
        raise
    return _job(answer)


def find(bedrock: Any, name: str) -> StartedJob | None:
    """The job of this name, as if it had just been started."""
    job = describe(bedrock, name)
    return started(job) if job else None


def stop(bedrock: Any, job_arn: str) -> bool:
    """Stop a job. False if it had ended before. Tokens already trained are still billed."""
    return aws.stopped(bedrock.stop_model_customization_job, job_arn)


def count_in_progress(bedrock: Any) -> int:
    """Jobs of this account and Region that hold a slot, regardless of who started them."""
    pages = bedrock.get_paginator("list_model_customization_jobs")
    in_progress = pages.paginate(statusEquals="InProgress")
    stopping = pages.paginate(statusEquals="Stopping")
    return sum(
        len(page["modelCustomizationJobSummaries"]) for listing in (in_progress, stopping) for page in listing
    )


def _request(stage: Stage, run: Run, planned: PlannedJob, base: str, name: str) -> dict[str, Any]:
    dataset = planned.dataset
    tags = naming.tags(stage.name, run.run_id)
    request: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "roleArn": stage.bedrock_role_arn,
        "clientRequestToken": naming.client_token("job", name),
        "baseModelIdentifier": base,
        "customizationType": CUSTOMIZATION_TYPES[dataset.method],
        "customModelKmsKeyId": stage.key_arn,
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": dataset.train.uri},
        "outputDataConfig": {"s3Uri": naming.uri(stage.artifacts_bucket, naming.training_prefix(run.run_id))},
        **_method_settings(run, planned),
    }
    if dataset.validation is not None:
        request["validationDataConfig"] = {"validators": [{"s3Uri": dataset.validation.uri}]}
    return request


def _method_settings(run: Run, planned: PlannedJob) -> dict[str, Any]:
    """What a method needs besides data: its hyperparameters, a teacher, a grader."""
    if run.teacher is not None:
        teacher = {
            "teacherModelIdentifier": run.teacher.model,
            "maxResponseLengthForInference": run.teacher.max_response_length,
        }
        return {"customizationConfig": {"distillationConfig": {"teacherModelConfig": teacher}}}
    if run.grader:
        grader = {"lambdaGrader": {"lambdaArn": run.grader}}
        numbers = {name: _number(value) for name, value in planned.hyperparameters.items()}
        return {"customizationConfig": {"rftConfig": {"graderConfig": grader, "hyperParameters": numbers}}}
    return {"hyperParameters": planned.hyperparameters}


def _number(value: str) -> int | float | str:
    """Reinforcement's hyperparameters are numbers in the API, except for one string."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _after_refusal(bedrock: Any, name: str, error: ClientError) -> StartedJob:
    code, message = aws.code_of(error), aws.message_of(error)
    if code == "ServiceQuotaExceededException":
        raise QuotaFull(message) from error
    if code == "ConflictException" or _NAME_IN_USE in message:
        earlier = find(bedrock, name)
        if earlier is not None:
            return earlier
    if aws.is_transient(error) or _ROLE_NOT_READY in message:
        raise TransientError(aws.explain(error)) from error
    raise CustomizationFailed(f"Bedrock refused the customization job: {message} ({code})") from error


def _job(answer: Mapping[str, Any]) -> Job:
    details = answer.get("statusDetails", {})
    validation = answer.get("validationMetrics") or [{}]
    output = answer.get("outputDataConfig", {}).get("s3Uri", "").rstrip("/")
    return Job(
        arn=answer["jobArn"],
        name=answer.get("jobName", ""),
        status=answer["status"],
        role_arn=answer.get("roleArn", ""),
        failure=answer.get("failureMessage", ""),
        phases={name.removesuffix("Details"): phase.get("status", "") for name, phase in details.items()},
        model_arn=answer.get("outputModelArn", ""),
        output_uri=f"{output}/model-customization-job-{answer['jobArn'].rpartition('/')[2]}/",
        training_loss=(answer.get("trainingMetrics") or {}).get("trainingLoss"),
        validation_loss=validation[0].get("validationLoss"),
        started_at=_moment(answer.get("creationTime")),
        ended_at=_moment(answer.get("endTime")),
    )


def _moment(value: datetime | None) -> str:
    return clock.write(value) if value is not None else ""

"""SageMaker AI's training jobs: what the engines that start them have in common.

API: sagemaker 2017-07-24, botocore 1.43.106, read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.aws.permission import Permission
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Run
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.stage import Stage
from tunedrop.training.engine import JobEvent, JobRole, Leftover
from tunedrop.training.job import Job, Status

RUNNING = ("InProgress", "Stopping")
"""The statuses of jobs that occupy their instances."""

DEFAULT_SECONDS = 86_400
"""The default maximum run time of a job (API reference, StoppingCondition)."""

BUCKET_GONE = "NoSuchBucket"
"""S3's code if the bucket was deleted with its stage."""

_MISSING = ("not found", "does not exist", "could not find")
"""Parts of SageMaker's messages for missing resources, whose code is ValidationException (reported by public
projects; Describe operations declare ResourceNotFound too)."""

_ROLE_NOT_READY = "assume"
"""Part of the message while a new role still propagates through IAM."""

_NOT_TRAINING = frozenset({"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"})
"""`SecondaryStatus` before a job trains."""


IMPORTABLE = frozenset(
    {
        "LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "Qwen2ForCausalLM",
        "Qwen3ForCausalLM", "Qwen3MoeForCausalLM",
    }
)  # fmt: skip
"""Architectures that Bedrock imports in every Region with model import (Bedrock user guide,
model-customization-import-model, read 2026-11-29)."""


EVENT = JobEvent("aws.sagemaker", "SageMaker Training Job State Change")
"""Documented for training jobs (developer guide, automating-sagemaker-with-eventbridge); that serverless ones
send it is a belief, and the schedule suffices."""


def role(*permissions: Permission) -> JobRole:
    """The execution role of an engine's training jobs (developer guide, sagemaker-roles, on
    CreateTrainingJob, read 2026-11-30)."""
    return JobRole(
        service="sagemaker",
        jobs="training-job",
        permissions=(
            *permissions,
            # Of a key that a job names for its output. Without a condition, as there: whether SageMaker makes
            # this call by way of S3 is not documented. It reads nothing.
            Permission(sid="EncryptOutput", actions=("kms:Encrypt",), resources=("{key}",)),
            # An account's first training job creates the group.
            Permission(
                sid="WriteLogs",
                actions=(
                    "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ),
                resources=("arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/TrainingJobs*",),
            ),
        ),
    )  # fmt: skip


def roles(stage: Stage, engine: str) -> Check:
    """Whether a stage has the roles for an engine's training jobs and for imports."""
    has = bool(stage.training_role_arns.get(engine) and stage.import_role_arn)
    return Check(
        name="roles",
        passed=has,
        detail=f"the stage {'has' if has else 'lacks'} the roles for training jobs and imports",
        hint=f'Add "{engine}" to the setting engines and deploy the stage again',
    )


def architecture(base_model: BaseModel) -> Check:
    """Whether Bedrock imports models tuned from a base model."""
    can = base_model.architecture in IMPORTABLE
    return Check(
        name="architecture",
        passed=can,
        detail=f"Bedrock {'imports' if can else 'does not import'} {base_model.architecture} "
        f"({base_model.name})",
        hint="Take qwen.qwen3-32b",
    )


def is_missing(error: ClientError) -> bool:
    """Whether the error says that the resource does not exist."""
    code, message = aws.code_of(error), aws.message_of(error).lower()
    return code in ("ResourceNotFound", "ResourceNotFoundException") or (
        code == "ValidationException" and any(part in message for part in _MISSING)
    )


def may_heal(error: ClientError) -> bool:
    """Whether a job that was refused with this error may be accepted later without any change."""
    return aws.is_transient(error) or _ROLE_NOT_READY in aws.message_of(error)


def name_in(name_or_arn: str) -> str:
    """The name of a job, as SageMaker's operations take it, from its ARN."""
    return name_or_arn.rpartition("/")[2]


def describe(sagemaker: Any, name_or_arn: str) -> dict[str, Any] | None:
    """SageMaker's description of a job; None if there is none of this name.

    Raises
    ------
    ClientError
        If SageMaker refuses the call.
    """
    try:
        answer: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name_in(name_or_arn))
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return answer


def stop(sagemaker: Any, job_arn: str) -> bool:
    """Stop a job. False if it had ended before, or does not exist.

    Raises
    ------
    ClientError
        If SageMaker refuses for another reason.
    """
    try:
        sagemaker.stop_training_job(TrainingJobName=name_in(job_arn))
    except ClientError as error:
        if is_missing(error) or aws.code_of(error) == "ValidationException":
            return False
        raise
    return True


def count_in_progress(sagemaker: Any, begins: str = "") -> int:
    """Running training jobs of this account and Region whose names begin so, regardless of who started them.

    Raises
    ------
    ClientError
        If the jobs cannot be listed.
    """
    pages = sagemaker.get_paginator("list_training_jobs")
    named = {"NameContains": begins} if begins else {}
    return sum(
        not begins or one["TrainingJobName"].startswith(begins)
        for status in RUNNING
        for page in pages.paginate(StatusEquals=status, **named)
        for one in page["TrainingJobSummaries"]
    )


def jobs_of(sagemaker: Any, stage: Stage, begins: str, status: str) -> Iterator[Leftover]:
    """The training jobs in a status with this prefix in their names, and the stage's tag.

    The tags of other jobs are not read: the stage's functions may only read those of its own names.
    """
    pages = sagemaker.get_paginator("list_training_jobs")
    for page in pages.paginate(NameContains=begins, StatusEquals=status):
        for one in page["TrainingJobSummaries"]:
            if not one["TrainingJobName"].startswith(begins):
                continue
            found = tags_of(sagemaker, one["TrainingJobArn"])
            if found.get(naming.STAGE_TAG) == stage.name:
                yield Leftover(
                    kind="training job",
                    arn=one["TrainingJobArn"],
                    name=one["TrainingJobName"],
                    status=one["TrainingJobStatus"],
                    run_id=found.get(naming.RUN_TAG, ""),
                    created_at=clock.write(one["CreationTime"]),
                )


def delete_files(s3: Any, where: str) -> bool:
    """Delete every version under an `s3://` prefix, because all are billed. False if there is none.

    Raises
    ------
    ThroughputFailed
        If S3 refuses one of them.
    TransientError
        If a later try may succeed.
    """
    try:
        return _delete_versions(s3, where)
    except ClientError as error:
        if aws.code_of(error) == BUCKET_GONE:
            return False
        if aws.is_transient(error):
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(aws.explain(error)) from error


def _delete_versions(s3: Any, where: str) -> bool:
    bucket, prefix = naming.place_of(where)
    did = False
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if failed := answer.get("Errors"):
            raise ThroughputFailed(f"the weights in {where} could not be deleted: {failed[0].get('Message')}")
        did = True
    return did


def tags(stage: Stage, run: Run) -> list[dict[str, str]]:
    """The owner of a SageMaker resource, by its tags, whose keys SageMaker capitalizes."""
    return [{"Key": one["key"], "Value": one["value"]} for one in naming.tags(stage.name, run.run_id)]


def stage_tags(stage: Stage) -> list[dict[str, str]]:
    """The tags of a resource that all runs of a stage share, in SageMaker's spelling."""
    return [{"Key": naming.STAGE_TAG, "Value": stage.name}]


def tags_of(sagemaker: Any, arn: str) -> dict[str, str]:
    """The tags of a resource of SageMaker's."""
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def channel(name: str, uri: str) -> dict[str, Any]:
    """A channel of input data: every object under the URI as prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def job(answer: Mapping[str, Any]) -> Job:
    """A job as DescribeTrainingJob describes it; each engine adds the model."""
    secondary = answer.get("SecondaryStatus", "")
    over = answer["TrainingJobStatus"] != "InProgress"
    why, is_late = answer.get("FailureReason", ""), secondary == "MaxRuntimeExceeded"
    if is_late:
        hours = answer.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_SECONDS) / 3600
        why = f"it was stopped at its run-time limit of {hours:g} hours; {why}".rstrip("; ")
    status: Status = "Failed" if is_late else answer["TrainingJobStatus"]
    return Job(
        arn=answer["TrainingJobArn"],
        name=answer["TrainingJobName"],
        status=status,
        role_arn=answer.get("RoleArn", ""),
        failure=why,
        phases={
            "training": _phase(answer, secondary) if over or secondary not in _NOT_TRAINING else "NotStarted"
        },
        output_uri=answer.get("OutputDataConfig", {}).get("S3OutputPath", ""),
        started_at=_moment(answer.get("TrainingStartTime") or answer.get("CreationTime")),
        ended_at=_moment(answer.get("TrainingEndTime")),
    )


def _phase(answer: Mapping[str, Any], secondary: str) -> str:
    progress = answer.get("ProgressInfo") or {}
    current, most = progress.get("CurrentEpoch"), progress.get("MaxEpoch")
    return f"{secondary}, epoch {current} of {most}" if current is not None and most else secondary


def _moment(value: datetime | None) -> str:
    return clock.write(value) if value is not None else ""

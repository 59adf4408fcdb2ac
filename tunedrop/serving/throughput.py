"""Bringing a custom model into service and out of it, whichever way it is served.

Two families of Bedrock operations stand behind one set of functions: CustomModelDeployment (on-demand) and
ProvisionedModelThroughput. Both bill, or count against quotas, until they are deleted; CloudFormation knows
neither (aws-cdk-lib 2.275.0), so that their end is ours to see to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.contracts import Commitment, DeploymentSettings, Serving, Way
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.stage import Stage

COMMITMENTS: dict[Commitment, str] = {"1-month": "OneMonth", "6-months": "SixMonths"}
"""The API's `commitmentDuration`; no commitment is said by leaving it out."""


def commitment_of(duration: str) -> Commitment:
    """The commitment that the API calls so."""
    return next((name for name, value in COMMITMENTS.items() if value == duration), "none")


_MOVING = "mutating"
"""Part of Bedrock's refusal to delete a deployment that is still being created (reported, 2026-07)."""


def way_of(arn: str) -> Way:
    """How the model behind this ARN is served."""
    return "on-demand" if ":custom-model-deployment/" in arn else "provisioned"


def create(
    bedrock: Any, stage: Stage, run_id: str, name: str, model_arn: str, settings: DeploymentSettings,
    way: Way, *, keep: bool = False,
) -> Serving:  # fmt: skip
    """Start serving a custom model, or find what an earlier try has started.

    Parameters
    ----------
    keep
        Whether it stays until it expires, though no alias names it yet.

    Raises
    ------
    ThroughputFailed
        When Bedrock refuses for a reason that a later try cannot heal, such as a quota of zero.
    TransientError
        When a later try may succeed.
    """
    expires = clock.after(clock.now(), stage.throughput_expiry_seconds + (settings.keep_for_seconds or 0))
    tags = [*naming.tags(stage.name, run_id), {"key": naming.EXPIRES_TAG, "value": expires}]
    if keep:
        tags.append({"key": naming.KEEP_TAG, "value": "rollback"})
    try:
        arn = _CREATE[way](bedrock, name, model_arn, settings, tags)
    except ClientError as error:
        arn = _after_refusal(bedrock, way, name, error)
    now = clock.now()
    return Serving(
        way=way,
        arn=arn,
        name=name,
        model_arn=model_arn,
        status="Creating",
        hourly_usd=0.0,
        created_at=now,
        expires_at=expires,
    )


def outcome(bedrock: Any, serving: Serving) -> Serving | None:
    """The throughput in service, or None while it is being created.

    Raises
    ------
    ThroughputFailed
        When Bedrock could not create it, or it is gone.
    """
    try:
        status, message = describe(bedrock, serving.arn)
    except ClientError as error:
        if aws.is_missing(error):
            raise ThroughputFailed(f"{serving.arn} was deleted while the run needed it") from error
        raise
    if status == "Failed":
        raise ThroughputFailed(f"Bedrock could not bring {serving.name} into service: {message}")
    if status == "Creating":
        return None
    return msgspec.structs.replace(serving, status="InService", in_service_at=clock.now())


def describe(bedrock: Any, arn: str) -> tuple[str, str]:
    """Bedrock's status (Creating, Failed, else it serves) and its failure message, if it has one."""
    if way_of(arn) == "on-demand":
        answer = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    else:
        answer = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    return str(answer["status"]), str(answer.get("failureMessage", ""))


def exists(bedrock: Any, arn: str) -> bool:
    """Whether something serves under this ARN, or is about to."""
    try:
        describe(bedrock, arn)
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    return True


def release(bedrock: Any, arn: str) -> bool:
    """End what serves a model. False when it was gone before.

    Raises
    ------
    TransientError
        When it is still being created or changed: Bedrock deletes it only afterwards.
    ThroughputFailed
        When Bedrock refuses, for example before a commitment has ended.
    """
    try:
        if way_of(arn) == "on-demand":
            bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        else:
            bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
    except ClientError as error:
        if aws.is_missing(error):
            return False
        moving = aws.code_of(error) == "ConflictException" or _MOVING in aws.message_of(error)
        if moving or aws.is_transient(error):
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(f"{arn} could not be released: {aws.message_of(error)}") from error
    return True


def find(bedrock: Any, way: Way, name: str) -> str | None:
    """The ARN of what serves under this name."""
    try:
        if way == "on-demand":
            answer = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=name)
            return str(answer["customModelDeploymentArn"])
        return str(bedrock.get_provisioned_model_throughput(provisionedModelId=name)["provisionedModelArn"])
    except ClientError as error:
        if aws.is_missing(error) or aws.code_of(error) == "ValidationException":
            return None
        raise


def _create_deployment(
    bedrock: Any, name: str, model_arn: str, _: DeploymentSettings, tags: list[dict[str, str]]
) -> str:
    answer = bedrock.create_custom_model_deployment(
        modelDeploymentName=name,
        modelArn=model_arn,
        tags=tags,
        clientRequestToken=naming.client_token("deployment", name, model_arn),
    )
    return str(answer["customModelDeploymentArn"])


def _create_provisioned(
    bedrock: Any, name: str, model_arn: str, settings: DeploymentSettings, tags: list[dict[str, str]]
) -> str:
    commitment = COMMITMENTS.get(settings.commitment)
    answer = bedrock.create_provisioned_model_throughput(
        provisionedModelName=name,
        modelId=model_arn,
        modelUnits=settings.model_units,
        tags=tags,
        clientRequestToken=naming.client_token("throughput", name, model_arn),
        **({"commitmentDuration": commitment} if commitment else {}),
    )
    return str(answer["provisionedModelArn"])


_CREATE: dict[Way, Callable[[Any, str, str, DeploymentSettings, list[dict[str, str]]], str]] = {
    "on-demand": _create_deployment,
    "provisioned": _create_provisioned,
}


def _after_refusal(bedrock: Any, way: Way, name: str, error: ClientError) -> str:
    code, message = aws.code_of(error), aws.message_of(error)
    if code in ("ConflictException", "ValidationException"):
        earlier = find(bedrock, way, name)
        if earlier is not None:
            return earlier
    if aws.is_transient(error):
        raise TransientError(aws.explain(error)) from error
    if code == "ServiceQuotaExceededException":
        # Deployments come and go with other runs; units that an account does not have never come.
        kind = TransientError if way == "on-demand" else ThroughputFailed
        raise kind(f"{message} {_QUOTA_CURE[way]}") from error
    raise ThroughputFailed(f"Bedrock refused to serve the model: {message} ({code})") from error


_QUOTA_CURE: dict[Way, str] = {
    "on-demand": "Delete a custom model deployment, or ask for more in Service Quotas: L-1EF80F3E (total) "
    "and L-430C95DD (in progress).",
    "provisioned": "No-commitment model units are 0 by default: ask for some in Service Quotas, L-BE77399C, "
    "and for the model's own units per provisioned model (L-3632DE15 for Llama 3.1 8B).",
}
"""Quota codes read 2026-11-23 (AWS General Reference, Bedrock; cloud-custodian's test README)."""

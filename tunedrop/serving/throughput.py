"""Brings custom models into service and takes them out of it, in any serving mode.

Serving modes are in `tunedrop.serving.kinds`. Their resources are billed, or count against quotas, until they
are deleted. CloudFormation has no resource types for them (aws-cdk-lib 2.275.0), so Tunedrop must delete
them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming
from tunedrop.contracts import DeploymentSettings, Serving, Way
from tunedrop.errors import DeploymentsFull, ThroughputFailed, TransientError
from tunedrop.serving import kinds
from tunedrop.serving.kind import Served, Wanted
from tunedrop.stage import Stage

_MOVING = "mutating"
"""Part of Bedrock's refusal to delete a deployment that is still being created (reported, 2026-07)."""


def way_of(arn: str) -> Way:
    """The serving mode of an ARN."""
    kind = kinds.of_arn(arn)
    assert kind is not None, arn
    return kind.way


def create(
    bedrock: Any, stage: Stage, run_id: str, name: str, model_arn: str, settings: DeploymentSettings,
    way: Way, *, keep: bool = False, weights: str = "",
) -> Serving:  # fmt: skip
    """Start to serve a custom model, or find the resource that an earlier try has created.

    Parameters
    ----------
    keep
        Whether it stays until it expires, even if no alias names it yet.
    weights
        The location of the model's files, for modes that serve files.

    Raises
    ------
    ThroughputFailed
        If Bedrock refuses for a reason that will not change, such as a quota of zero.
    DeploymentsFull
        If the account's quota of deployments is exhausted.
    TransientError
        If a later try may succeed.
    """
    expires = clock.after(clock.now(), stage.throughput_expiry_seconds + (settings.keep_for_seconds or 0))
    tags = [*naming.tags(stage.name, run_id), {"key": naming.EXPIRES_TAG, "value": expires}]
    if keep:
        tags.append({"key": naming.KEEP_TAG, "value": "rollback"})
    wanted = Wanted(
        stage=stage, name=name, model_arn=model_arn, settings=settings, tags=tags, weights=weights
    )
    arn = begin(bedrock, way, wanted)
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


def begin(bedrock: Any, way: Way, wanted: Wanted) -> str:
    """The ARN of the new serving resource, or of the one that an earlier try has created under this name.

    Raises
    ------
    ThroughputFailed, DeploymentsFull, TransientError
        As `create`.
    """
    try:
        return kinds.of(way).create(bedrock, wanted)
    except ClientError as error:
        return _after_refusal(bedrock, way, wanted, error)


def outcome(bedrock: Any, serving: Serving) -> Serving | None:
    """The throughput in service, or None while it is being created.

    Raises
    ------
    ThroughputFailed
        If Bedrock could not create it, or it is gone.
    """
    try:
        found = describe(bedrock, serving.arn)
    except ClientError as error:
        if aws.is_missing(error):
            raise ThroughputFailed(f"{serving.arn} was deleted while the run needed it") from error
        raise
    if found.status == "Failed":
        raise ThroughputFailed(f"Bedrock could not bring {serving.name} into service: {found.message}")
    if found.status == "Creating":
        return None
    return msgspec.structs.replace(
        serving, arn=found.arn, units=found.units, status="InService", in_service_at=clock.now()
    )


def describe(bedrock: Any, arn: str) -> Served:
    """The status of a serving resource: Creating, Failed, or else in service."""
    return kinds.of(way_of(arn)).describe(bedrock, arn)


def describe_or_none(bedrock: Any, arn: str) -> Served | None:
    """The serving resource with this ARN; None if it does not exist.

    Raises
    ------
    ClientError
        If Bedrock refuses the call.
    """
    try:
        return describe(bedrock, arn)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise


def exists(bedrock: Any, arn: str) -> bool:
    """Whether a serving resource with this ARN exists; raises like `describe_or_none`."""
    return describe_or_none(bedrock, arn) is not None


def release(bedrock: Any, arn: str) -> bool:
    """Delete a serving resource. False if it did not exist.

    Raises
    ------
    TransientError
        If it is still being created or changed, because Bedrock deletes it only afterwards.
    ThroughputFailed
        If Bedrock refuses, for example before a commitment has ended.
    """
    try:
        kinds.of(way_of(arn)).delete(bedrock, arn)
    except ClientError as error:
        if aws.is_missing(error):
            return False
        moving = aws.code_of(error) == "ConflictException" or _MOVING in aws.message_of(error)
        if moving or aws.is_transient(error):
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(f"{arn} could not be released: {aws.message_of(error)}") from error
    return True


def find(bedrock: Any, way: Way, name: str) -> str | None:
    """The ARN of the serving resource with this name."""
    try:
        return kinds.of(way).find(bedrock, name)
    except ClientError as error:
        if aws.is_missing(error) or aws.code_of(error) == "ValidationException":
            return None
        raise


def _after_refusal(bedrock: Any, way: Way, wanted: Wanted, error: ClientError) -> str:
    code, message = aws.code_of(error), aws.message_of(error)
    if code in ("ConflictException", "ValidationException"):
        earlier = find(bedrock, way, wanted.name)
        if earlier is not None:
            if wanted.model_arn and not kinds.of(way).is_of(bedrock, earlier, wanted):
                raise ThroughputFailed(
                    f"{earlier} has the name {wanted.name} and serves another model: somebody else has made "
                    "it. Delete it, then retry the run"
                ) from error
            return earlier
    if aws.is_transient(error):
        raise TransientError(aws.explain(error)) from error
    if code == "ServiceQuotaExceededException":
        kind = kinds.of(way)
        refusal: type[Exception] = TransientError if kind.quota_frees_up else ThroughputFailed
        if kind.queues:  # other runs create and delete them, within hours or days
            refusal = DeploymentsFull
        raise refusal(f"{message} {kind.quota_hint}") from error
    raise ThroughputFailed(f"Bedrock refused to serve the model: {message} ({code})") from error

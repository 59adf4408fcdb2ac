"""Replaces the model behind an ARN, so that clients that pinned the ARN keep working.

Each serving mode knows what it can replace (botocore's service model, read 2026-11-23). Which model answers
during the change is not documented.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.errors import TransientError
from tunedrop.serving import kinds
from tunedrop.serving.kind import Behind, CannotSwap
from tunedrop.serving.throughput import way_of

_MOVING = "mutating"
"""Part of Bedrock's message if another change is in progress (reported, 2026-07)."""


def behind(bedrock: Any, arn: str) -> Behind:
    """The model that an ARN serves now, and the change to another one, if one was requested."""
    return kinds.of(way_of(arn)).behind(bedrock, arn)


def swap(bedrock: Any, arn: str, model_arn: str, paid_units: int | None = None) -> None:
    """Put a model behind an ARN. Returns once it is there; a repeated call continues a change in progress.

    Parameters
    ----------
    paid_units
        The model units that the run pays for, if it keeps the throughput from now on: it may not have more.

    Raises
    ------
    TransientError
        While Bedrock changes the model, and if a later try may succeed.
    CannotSwap
        If Bedrock does not support the change, or has failed.
    """
    try:
        now = behind(bedrock, arn)
        if now.change == "going on":
            raise TransientError(f"{arn} is being pointed at {now.desired}")
        if paid_units is not None and now.units > paid_units:
            raise CannotSwap(
                f"{arn} has {now.units} model units, and this run pays for {paid_units} "
                "(deployment.model_units)"
            )
        if now.model_arn == model_arn:
            return
        if now.change == "failed" and now.desired == model_arn:
            raise CannotSwap(f"Bedrock could not point {arn} at {model_arn}")
        kinds.of(way_of(arn)).put_behind(bedrock, arn, now.model_arn, model_arn)
    except ClientError as error:
        if aws.is_transient(error) or _MOVING in aws.message_of(error):
            raise TransientError(aws.explain(error)) from error
        raise CannotSwap(f"{arn} could not be pointed at the model: {aws.message_of(error)}") from error
    raise TransientError(f"{arn} is being pointed at {model_arn}")

"""Custom models themselves: whether one is there to begin with, and the end of one that nobody needs."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.errors import ThroughputFailed, TransientError


def delete(bedrock: Any, model_arn: str) -> bool:
    """Delete a custom model, which bills its storage until then. False when it was gone before.

    Raises
    ------
    ThroughputFailed
        If Bedrock refuses for good.
    TransientError
        If a later try may succeed; so while something still serves the model.
    """
    try:
        bedrock.delete_custom_model(modelIdentifier=model_arn)
    except ClientError as error:
        if aws.is_missing(error):
            return False
        if aws.is_transient(error) or aws.code_of(error) == "ConflictException":
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(aws.explain(error)) from error
    return True


def status(bedrock: Any, model_arn: str) -> str:
    """Bedrock's `modelStatus` of a custom model (`Active`); empty if there is none."""
    try:
        model = bedrock.get_custom_model(modelIdentifier=model_arn)
    except ClientError as error:
        if aws.is_missing(error):
            return ""
        raise
    return str(model.get("modelStatus", "Active"))

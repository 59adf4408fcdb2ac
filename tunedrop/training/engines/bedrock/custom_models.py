"""Custom models: their status, and their deletion."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.errors import ThroughputFailed, TransientError

CUSTOM_MODELS = "L-CB5B847D"


def count(bedrock: Any) -> int:
    """The number of custom models of the account, of whatever stage; without those that other accounts share
    with it (API reference, ListCustomModels; whether it lists them unless asked so is not documented)."""
    pages = bedrock.get_paginator("list_custom_models").paginate(isOwned=True)
    return sum(len(page["modelSummaries"]) for page in pages)


def delete(bedrock: Any, model_arn: str) -> bool:
    """Delete a custom model, whose storage is billed until then. False if it did not exist.

    Raises
    ------
    ThroughputFailed
        If Bedrock refuses for good.
    TransientError
        If a later try may succeed, such as while something still serves the model.
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
    """Bedrock's `modelStatus` of a custom model (`Active`); empty if it does not exist."""
    try:
        model = bedrock.get_custom_model(modelIdentifier=model_arn)
    except ClientError as error:
        if aws.is_missing(error):
            return ""
        raise
    return str(model.get("modelStatus", "Active"))

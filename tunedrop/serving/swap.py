"""Replaces the model behind an ARN, so that clients that pinned the ARN keep working.

UpdateCustomModelDeployment takes any custom model, as far as is documented; UpdateProvisionedModelThroughput
only one of the same base model (botocore's service model, read 2026-11-23). Which model answers while the
change goes on is not documented.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, naming
from tunedrop.errors import TransientError
from tunedrop.serving import kinds
from tunedrop.serving.throughput import way_of

_MOVING = "mutating"
"""Part of Bedrock's refusal of a change while another goes on (reported, 2026-07)."""


class CannotSwap(Exception):
    """Bedrock does not put the model behind this ARN; the message says why. The alias has to move instead."""


class Behind(msgspec.Struct, frozen=True):
    """The model behind an ARN, and the change towards another one, if any was asked for."""

    model_arn: str
    desired: str
    change: Literal["none", "going on", "done", "failed"]


def behind(bedrock: Any, arn: str) -> Behind:
    """What an ARN serves now; of an imported model, the tag with which it was made says what."""
    kind = kinds.of(way_of(arn))
    if not kind.is_listed:
        model_arn = kind.model_in(arn)
        return Behind(model_arn, model_arn, "none")
    if way_of(arn) == "imported":
        tags = bedrock.list_tags_for_resource(resourceARN=arn).get("tags", ())
        model_arn = next((one["value"] for one in tags if one["key"] == naming.MODEL_TAG), "")
        return Behind(model_arn, model_arn, "none")
    if way_of(arn) == "on-demand":
        found = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
        update = found.get("updateDetails") or {}
        change = _CHANGES.get(update.get("updateStatus", ""), "none")
        return Behind(found["modelArn"], update.get("modelArn", found["modelArn"]), change)
    found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    desired = found.get("desiredModelArn", found["modelArn"])
    if found["status"] == "Updating":
        return Behind(found["modelArn"], desired, "going on")
    return Behind(found["modelArn"], desired, "none" if desired == found["modelArn"] else "failed")


def swap(bedrock: Any, arn: str, model_arn: str) -> None:
    """Put a model behind an ARN. Returns once it is there; asked again meanwhile, it goes on where it was.

    Raises
    ------
    TransientError
        While Bedrock is at it, and when a later try may succeed.
    CannotSwap
        When Bedrock does not do it, or has failed to.
    """
    try:
        now = behind(bedrock, arn)
        if now.change == "going on":
            raise TransientError(f"{arn} is being pointed at {now.desired}")
        if now.model_arn == model_arn:
            return
        if now.change == "failed" and now.desired == model_arn:
            raise CannotSwap(f"Bedrock could not point {arn} at {model_arn}")
        _start(bedrock, arn, now.model_arn, model_arn)
    except ClientError as error:
        if aws.is_transient(error) or _MOVING in aws.message_of(error):
            raise TransientError(aws.explain(error)) from error
        raise CannotSwap(f"{arn} could not be pointed at the model: {aws.message_of(error)}") from error
    raise TransientError(f"{arn} is being pointed at {model_arn}")


def _start(bedrock: Any, arn: str, before: str, model_arn: str) -> None:
    if not kinds.of(way_of(arn)).is_listed:
        raise CannotSwap("the address of a model is of this model alone")
    if way_of(arn) == "imported":
        raise CannotSwap("an imported model cannot be replaced behind its ARN")
    if way_of(arn) == "on-demand":
        bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=arn, modelArn=model_arn)
        return
    if catalog.base_of(before) != catalog.base_of(model_arn):
        raise CannotSwap(f"{arn} is provisioned throughput of another base model")
    bedrock.update_provisioned_model_throughput(provisionedModelId=arn, desiredModelId=model_arn)


_CHANGES: dict[str, Literal["none", "going on", "done", "failed"]] = {
    "Updating": "going on",
    "UpdateCompleted": "done",
    "UpdateFailed": "failed",
}

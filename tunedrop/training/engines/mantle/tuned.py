"""Tuned models: whether one exists, and why none can be deleted."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.aws.mantle import TUNED_MODELS, id_in
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.training.engines.mantle import files, jobs

UNDELETABLE = (
    "no documented operation of AWS deletes a model that bedrock-mantle has tuned, and no page says what "
    "keeping one costs. Its training file can be deleted; for the model, ask AWS Support"
)
"""The user guide only deletes files. IAM has an action DeleteCustomizedModel (Service Authorization
Reference, bedrock-mantle, read 2026-11-29), which no page explains: CreateCustomizedModel imports weights."""


def status(mantle: Any, model_address: str) -> str:
    """`Active` if the service knows the model, else empty.

    Raises
    ------
    ClientError
        If the service refuses the call.
    """
    try:
        mantle.get_model(id=id_in(model_address, TUNED_MODELS))
    except ClientError as error:
        if aws.is_missing(error):
            return ""
        raise
    return "Active"


def delete(mantle: Any, model_address: str) -> bool:
    """Delete the training file of a model, the only part that can be deleted.

    Raises
    ------
    ThroughputFailed
        Always if the model exists: it stays.
    TransientError
        If a later try may delete the file, such as while another job of the same file is running.
    """
    try:
        if not status(mantle, model_address):
            return False
        ours = {one.id: one for one in files.every(mantle)}
        found = list(jobs.of_files(mantle, ours))
        mine = {file.id for file, job in found if job.model_arn == model_address}
        if any(file.id in mine and job.status == "InProgress" for file, job in found):
            raise TransientError(f"another job of the training file of {model_address} is at work")
        for id_ in mine:
            files.delete(mantle, id_)
    except ClientError as error:
        if aws.is_transient(error):
            raise TransientError(aws.explain(error)) from error
        raise ThroughputFailed(aws.explain(error)) from error
    raise ThroughputFailed(UNDELETABLE)

"""The registered reward function of a stage: an evaluator in its own hub, which RLVR jobs name.

A job takes no Lambda function, but the ARN of hub content of type JsonDoc whose document refers to one
(sagemaker-python-sdk, ai_registry/evaluator.py and air_hub.py: the document, its schema version 2.0.0, and
that the hub may have any name; read 2026-11-29). One serves all runs of a stage and is free: the
function behind it calls the grader of each run (`tunedrop.evaluation.reinforcement.rollouts`).
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.errors import CustomizationFailed, PermissionMissing, TransientError
from tunedrop.stage import Stage
from tunedrop.training.sagemaker import is_missing, stage_tags

NAME, TYPE, VERSION, SCHEMA = "grade-rollouts", "JsonDoc", "1.0.0", "2.0.0"

BEGUN = ("Importing", "PendingImport")
"""The statuses of content that is being created."""

LEAVING = ("Deleting", "PendingDelete")
"""The statuses of content that is being deleted, and can then be imported again."""

_MOVING = ("Creating", "Updating", "Deleting")
"""The statuses of a hub that is being created or deleted (botocore's service model, HubStatus)."""

_TAKEN = ("ResourceInUse", "ConflictException")


def hub_name(stage_name: str) -> str:
    """The hub of a stage, which contains only this."""
    return f"tunedrop-{stage_name}"


def register(sagemaker: Any, stage: Stage) -> str:
    """The ARN of the stage's evaluator, which is registered if it does not exist.

    Raises
    ------
    TransientError
        While it is being registered, or an earlier one deleted.
    PermissionMissing
        If access is denied: permissions of a new deployment take time to propagate.
    CustomizationFailed
        If it cannot be registered, or refers to a function that is not the stage's.
    """
    try:
        found = describe(sagemaker, stage)
        if found is None:
            _import(sagemaker, stage)
            found = describe(sagemaker, stage)
    except ClientError as error:
        if aws.is_transient(error) or aws.code_of(error) in _TAKEN:
            raise TransientError(aws.explain(error)) from error
        if aws.is_forbidden(error):
            raise PermissionMissing(aws.explain(error)) from error
        raise CustomizationFailed(
            f"the reward function could not be registered: {aws.explain(error)}"
        ) from error
    if found is None or found["HubContentStatus"] in BEGUN:
        raise TransientError("the reward function is being registered")
    if found["HubContentStatus"] in LEAVING:
        raise TransientError("an earlier registration of the reward function is being deleted")
    if problem := why_not(found, stage):
        raise CustomizationFailed(problem)
    return str(found["HubContentArn"])


def describe(sagemaker: Any, stage: Stage) -> dict[str, Any] | None:
    """SageMaker's description of the stage's evaluator; None if there is none.

    Raises
    ------
    ClientError
        If SageMaker refuses the call.
    """
    try:
        answer: dict[str, Any] = sagemaker.describe_hub_content(
            HubName=hub_name(stage.name), HubContentType=TYPE, HubContentName=NAME
        )
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return answer


def why_not(found: dict[str, Any], stage: Stage) -> str:
    """Why a registered evaluator must not grade; empty if it may, now or soon."""
    arn, status = found["HubContentArn"], found["HubContentStatus"]
    if status in LEAVING:
        return ""
    if status not in (*BEGUN, "Available"):
        why = found.get("FailureReason", "no reason given")
        return f"the registered reward function {arn} is {status} ({why}): delete it, and retry the run"
    try:
        document = json.loads(found["HubContentDocument"])
        reference = json.loads(document.get("JsonContent") or "{}").get("Reference", "")
    except (ValueError, TypeError, AttributeError, RecursionError):
        reference = ""  # not written by Tunedrop
    if reference != stage.reward_function_arn:
        return (
            f"the registered reward function {arn} refers to {reference or 'nothing'} instead of "
            f"{stage.reward_function_arn}: somebody has changed it; delete it, and retry the run"
        )
    return ""


def forget(sagemaker: Any, stage: Stage) -> list[str]:
    """Delete the stage's evaluator and its hub; returns their ARNs.

    Raises
    ------
    TransientError
        If a later try may succeed: content is deleted asynchronously, and a hub only once it is empty.
    PermissionMissing, AwsRefused
        If SageMaker refuses.
    """
    gone: list[str] = []
    hub = hub_name(stage.name)
    try:
        found = describe(sagemaker, stage)
        if found is not None and found["HubContentStatus"] not in LEAVING:
            sagemaker.delete_hub_content(
                HubName=hub, HubContentType=TYPE, HubContentName=NAME, HubContentVersion=VERSION
            )
            gone.append(str(found["HubContentArn"]))
        arn = str(sagemaker.describe_hub(HubName=hub)["HubArn"])
        sagemaker.delete_hub(HubName=hub)
        gone.append(arn)
    except ClientError as error:
        if aws.code_of(error) in _TAKEN:
            raise TransientError(aws.explain(error)) from error
        if not is_missing(error):
            raise aws.as_error(error) from error
    return gone


def _import(sagemaker: Any, stage: Stage) -> None:
    _make_hub(sagemaker, stage)
    content = {"Reference": stage.reward_function_arn, "EvaluatorType": "RewardFunction"}
    sagemaker.import_hub_content(
        HubName=hub_name(stage.name),
        HubContentType=TYPE,
        HubContentName=NAME,
        HubContentVersion=VERSION,
        DocumentSchemaVersion=SCHEMA,
        HubContentDocument=json.dumps({"SubType": "AWS/Evaluator", "JsonContent": json.dumps(content)}),
        # The registry's own lists find it by these.
        HubContentSearchKeywords=[
            "method:lambda", "@subtype:aws/evaluator", "@evaluatortype:rewardfunction",
            "@contenttype:byolambda",
        ],
        Tags=stage_tags(stage),
    )  # fmt: skip


def _make_hub(sagemaker: Any, stage: Stage) -> None:
    """CreateHub responds before the hub accepts content."""
    hub = hub_name(stage.name)
    try:
        found = sagemaker.describe_hub(HubName=hub)
    except ClientError as error:
        if not is_missing(error):
            raise
        sagemaker.create_hub(
            HubName=hub,
            HubDescription=f"Tunedrop: the reward function of the stage {stage.name}",
            Tags=stage_tags(stage),
        )
        found = sagemaker.describe_hub(HubName=hub)
    if found["HubStatus"] in _MOVING:
        raise TransientError(f"the hub {hub} is {found['HubStatus']}")
    if found["HubStatus"] == "CreateFailed":
        raise CustomizationFailed(
            f"the hub {hub} could not be made ({found.get('FailureReason', 'no reason given')}): delete it, "
            "and retry the run"
        )

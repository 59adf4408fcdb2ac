"""Preflight checks for a judge: the model, and the role of evaluation jobs."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from tunedrop import aws, catalog, naming
from tunedrop.aws import Aws, foundation_models
from tunedrop.contracts import Check, JudgeSettings, Run
from tunedrop.preflight.methods import allowed
from tunedrop.stage import Stage

_APPLICATION_PROFILE = ":application-inference-profile/"
"""Its id does not say which model answers."""

_PROFILE = re.compile(r"(us|us-gov|eu|apac|jp|au|ca|global)\.")
"""How the ids of inference profiles begin (Bedrock user guide, inference-profiles-support)."""


def judge(aws_: Aws, stage: Stage, run: Run, asked: JudgeSettings) -> Check:
    """Whether the judge is a model that lives, and the role of evaluation jobs, where they ask it, may do so.

    Which models may judge in evaluation jobs is a list that AWS changes often and offers in no API: a model
    that is not on it is found out by the job alone.
    """
    model, by_job = foundation_model(asked.model), asked.via == "evaluation-job"
    problem = "" if _APPLICATION_PROFILE in asked.model else _life(aws_, stage, model)
    cure = "Choose another evaluation.judge.model" + (", or ask it with via: converse" if by_job else "")
    if by_job and not problem and (problem := _role(aws_, stage, run, model)):
        cure = "Deploy the stage again: the role is part of it"
    return Check(
        name="judge",
        passed=not problem,
        detail=f"the judge {asked.model} {problem or 'is available and may be called'}",
        cure=cure,
    )


def foundation_model(model: str) -> str:
    """The id that GetFoundationModel takes: without what makes an inference profile of it."""
    try:
        return catalog.find(model).lifecycle_id
    except LookupError:
        return _PROFILE.sub("", model.rpartition("/")[2], count=1)


def _life(aws_: Aws, stage: Stage, model: str) -> str:
    try:
        details = aws_.bedrock.get_foundation_model(modelIdentifier=model)["modelDetails"]
    except ClientError as error:
        if aws.is_missing(error) or aws.code_of(error) == "ValidationException":
            return f"does not exist in {stage.region}"
        raise
    ended = foundation_models.end_of_life(details)
    if ended is not None and ended <= datetime.now(UTC):
        return "has reached its end of life"
    return ""


def _role(aws_: Aws, stage: Stage, run: Run, model: str) -> str:
    role, output = stage.evaluation_role_arn, naming.judging_prefix(run.run_id) + "output.jsonl"
    for action, resource in (
        ("bedrock:InvokeModel", f"arn:aws:bedrock:{stage.region}::foundation-model/{model}"),
        ("s3:PutObject", f"arn:aws:s3:::{stage.artifacts_bucket}/{output}"),
    ):
        if not allowed(aws_.iam, role, action, resource):
            return f"cannot work: the role {role} may not {action} on {resource}"
    return ""

"""Preflight checks for a judge: the model, and the role of evaluation jobs."""

from __future__ import annotations

from botocore.exceptions import ClientError

from tunedrop import aws, catalog, naming
from tunedrop.aws import Aws, foundation_models, inference_quotas
from tunedrop.contracts import Check, JudgeSettings, Run
from tunedrop.preflight._simulation import denial
from tunedrop.stage import Stage


def judge(aws_: Aws, stage: Stage, run: Run, asked: JudgeSettings) -> Check:
    """Whether the judge is active, and this account may call it, and for evaluation jobs also their role.

    No API lists the models that may judge in evaluation jobs, and the list changes often: only the job finds
    out about an unsupported one.
    """
    model, by_job = foundation_model(asked.model), asked.via == "evaluation-job"
    problem = _elsewhere(stage, asked.model) or _life(aws_, stage, model)
    hint = "Choose another evaluation.judge.model" + (", or ask it with via: converse" if by_job else "")
    if asked.open_text_only:
        hint = "Name a model in evaluation.judge, or none; and set another judge for the stage"
    if by_job and not problem and (problem := _role(aws_, stage, run, model)):
        hint = "Deploy the stage again: the role is part of it"
    return Check(
        name="judge",
        passed=not problem,
        detail=f"the judge {asked.model} {problem or 'is available and may be called'}",
        hint=hint,
    )


def foundation_model(model: str) -> str:
    """The id for GetFoundationModel: without the prefix of an inference profile."""
    try:
        return catalog.find(model).lifecycle_id
    except LookupError:
        return inference_quotas.PROFILE.sub("", model.rpartition("/")[2], count=1)


def _elsewhere(stage: Stage, model: str) -> str:
    """Why the stage's functions may not call the judge of an ARN: it is of another Region or account."""
    if not model.startswith("arn:"):
        return ""
    region, account = model.split(":")[3:5]
    if region == stage.region and account in ("", stage.account):
        return ""
    return (
        f"is not of this account and Region: name {foundation_model(model)}, or a profile of {stage.region}"
    )


def _life(aws_: Aws, stage: Stage, model: str) -> str:
    try:
        return foundation_models.why_unusable(aws_.bedrock, model)
    except ClientError as error:
        if aws.is_missing(error) or aws.code_of(error) == "ValidationException":
            return f"does not exist in {stage.region}"
        raise


def _role(aws_: Aws, stage: Stage, run: Run, model: str) -> str:
    role, output = stage.evaluation_role_arn, naming.judging_prefix(run.run_id) + "output.jsonl"
    for action, resource in (
        ("bedrock:InvokeModel", f"arn:aws:bedrock:{stage.region}::foundation-model/{model}"),
        ("s3:PutObject", f"arn:aws:s3:::{stage.artifacts_bucket}/{output}"),
    ):
        if denial(aws_.iam, stage.region, role, action, resource):
            return f"cannot work: the role {role} may not {action} on {resource}"
    return ""

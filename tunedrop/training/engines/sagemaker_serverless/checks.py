"""Free preflight checks of a serverless training job."""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError, ReadTimeoutError

from tunedrop import aws
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Check, Dataset, Run
from tunedrop.stage import Stage
from tunedrop.training import public_hub, rollouts, sagemaker
from tunedrop.training.engines.sagemaker_serverless import data, evaluators, jobs, packages
from tunedrop.training.sagemaker import is_missing


def every(aws_: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel) -> Iterator[Check]:
    """The checks of this engine, each with what to do if it fails."""
    yield sagemaker.roles(stage, "sagemaker-serverless")
    yield sagemaker.architecture(base_model)
    yield from _hub(aws_, stage, run, dataset, base_model)
    yield _group(aws_, stage, base_model)
    yield from _parent(aws_, stage, run, dataset)
    if run.grader:
        yield _evaluator(aws_, stage)
        yield _reward_function(aws_, stage, run, dataset)


def _hub(aws_: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel) -> Iterator[Check]:
    try:
        found = public_hub.describe(aws_.sagemaker, base_model)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        gone = f"{base_model.name} is not in SageMaker's public hub in {stage.region} (any more)"
        detail = gone if is_missing(error) else aws.explain(error)
        yield Check(name="hub", passed=False, detail=detail, hint="Choose another base model: tunedrop bases")
        return
    technique = jobs.TECHNIQUES.get(dataset.method, "")
    offered = not found.techniques or technique in found.techniques
    yield Check(
        name="hub",
        passed=offered,
        detail=f"the hub has {base_model.name} {found.version}, tuned by "
        f"{', '.join(found.techniques) or 'recipes that it does not name'}; {dataset.method} is {technique}",
        hint="Choose another base model: tunedrop bases",
    )
    needs = bool(base_model.license) or found.is_gated
    name = base_model.license or f"the licence of {base_model.name}"
    yield Check(
        name="license",
        passed=run.accept_eula or not needs,
        detail=f"{base_model.name} {'is under ' + name if needs else 'asks for no acceptance of a licence'}"
        + ("" if not needs else ", which was accepted" if run.accept_eula else ", which nobody has accepted"),
        hint="Read it, and set accept_eula: true in the manifest, or list the base model in the stage's "
        "setting accept_eula; or take qwen.qwen3-32b, which asks for none",
    )


def _group(aws_: Aws, stage: Stage, base_model: BaseModel) -> Check:
    """Whether the model's group is the stage's, or can be created."""
    name = packages.group_name(stage, base_model)
    ours = f"arn:aws:sagemaker:{stage.region}:{stage.account}:model-package-group/{name}"
    try:
        found = packages.describe_group(aws_.sagemaker, name)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return Check(
            name="model package group", passed=False, detail=aws.explain(error),
            hint="Deploy the stage again: its functions' permissions are part of it",
        )  # fmt: skip
    return Check(
        name="model package group",
        passed=found in ("", ours),
        detail=f"the model package group {name} {'is there' if found else 'will be made'}",
        hint="Delete the group of that name, or name the stage otherwise",
    )


def _parent(aws_: Aws, stage: Stage, run: Run, dataset: Dataset) -> Iterator[Check]:
    """Whether a job of this method can continue from the model package that the run starts from."""
    if not run.parent_model:
        return
    before = packages.method_of(aws_, stage, run.parent_model)
    first = dataset.earlier[0].method if dataset.earlier else dataset.method
    may = before is None or jobs.may_follow(before, first)
    yield Check(
        name="order of methods",
        passed=may,
        detail=f"{run.parent_model} was tuned by {before or 'a run that the registry does not know'}, and "
        f"{first} {'can' if may else 'cannot'} go on with that",
        hint=f"{jobs.NEAREST}; or name {run.base_model} as base_model",
    )


def _evaluator(aws_: Aws, stage: Stage) -> Check:
    hint = "Deploy the stage again: its functions' permissions are part of it"
    try:
        found = evaluators.describe(aws_.sagemaker, stage)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return Check(name="evaluator", passed=False, detail=aws.explain(error), hint=hint)
    problem = evaluators.why_not(found, stage) if found is not None else ""
    return Check(
        name="evaluator",
        passed=not problem,
        detail=problem
        or f"the reward function {'is' if found is not None else 'will be'} registered in the hub "
        f"{evaluators.hub_name(stage.name)}",
        hint="aws sagemaker delete-hub-content deletes it, and tunedrop retry registers it again",
    )


def _reward_function(aws_: Aws, stage: Stage, run: Run, dataset: Dataset) -> Check:
    """Sends two records to the grader and back, as the job will send its rollouts."""
    function = stage.reward_function_arn
    sent = data.samples(aws_.s3, dataset.train, run.grader)
    try:
        answer = aws_.grader.invoke(FunctionName=function, Payload=json.dumps(sent).encode())
        rollouts.scores(sent, rollouts.answered(answer["Payload"].read()))
        problem = ""
    except ValueError as error:  # also for invalid JSON
        problem = str(error)
    except ReadTimeoutError:
        problem = f"it gave no answer in {aws.GRADER_SECONDS} seconds"
    except ClientError as error:
        if aws.is_transient(error):
            raise
        problem = aws.explain(error)
    return Check(
        name="reward function",
        passed=not problem,
        detail=f"the reward function {function}: {problem or 'had two rollouts graded'}",
        hint="Try the grader by itself (aws lambda invoke); if the function is gone, deploy the stage again",
    )

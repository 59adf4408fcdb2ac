"""Preflight checks of single methods: the teacher of a distillation, the grader of reinforcement."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tunedrop import aws, naming
from tunedrop.aws import Aws, foundation_models
from tunedrop.contracts import Check, Dataset, Run, Teacher
from tunedrop.evaluation.reinforcement import grading
from tunedrop.preflight._simulation import denial
from tunedrop.training import rollouts

TRIED = 2
"""Number of records to test a grader with before anything is paid."""


def teacher(aws_: Aws, found: Teacher, region: str, role_arn: str) -> Check:
    """Whether the teacher is active, and this account and Bedrock's role may call it."""
    unusable = foundation_models.why_unusable(aws_.bedrock, found.model)
    arn = f"arn:aws:bedrock:{region}::foundation-model/{found.model}"
    problem = unusable
    if not unusable and denial(aws_.iam, region, role_arn, "bedrock:InvokeModel", arn):
        problem = "may not be called by Bedrock's role"
    return Check(
        name="teacher",
        passed=not problem,
        detail=f"the teacher {found.model} {problem or 'is available and may be called'}",
        hint="Choose another teacher.model: tunedrop bases --method distillation"
        if unusable
        else "Deploy the stage again: the role is part of it",
    )


def grader(aws_: Aws, run: Run, dataset: Dataset, region: str, role_arn: str, called: str) -> Check:
    """Whether the jobs' role may call the grader, and its response for two records is valid.

    Parameters
    ----------
    called
        The function that the training service calls: the grader, or one that calls it.
    """
    problems = []
    if role_arn and denial(aws_.iam, region, role_arn, "lambda:InvokeFunction", called):
        what = "it" if called == run.grader else called
        problems.append(f"the jobs' role {role_arn} may not call {what}")
    problems += _tried(aws_.grader, run.grader, _items(aws_.s3, dataset))
    return Check(
        name="grader",
        passed=not problems,
        detail=f"the grader {run.grader}: {'; '.join(problems) or 'graded two records'}",
        hint="A grader takes a list of {id, messages, metadata} and gives a list of "
        "{id, aggregate_reward_score}",
    )


def _tried(lambda_: Any, function: str, sent: list[dict[str, Any]]) -> list[str]:
    """The problems of a grader's response. The grader is called only once, because calls may cost money."""
    try:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps(sent).encode())
        body = rollouts.answered(answer["Payload"].read())
    except ValueError:
        return ["its response for two records of the dataset is not JSON"]
    except ReadTimeoutError:
        return [f"it did not respond for two records of the dataset within {aws.GRADER_SECONDS} seconds"]
    if "FunctionError" not in answer:
        return grading.problems(sent, body)
    reason = body.get("errorMessage", "no reason given") if isinstance(body, dict) else body
    return [f"it failed on two records of the dataset: {str(reason)[:500]}"]


def _items(s3: Any, dataset: Dataset) -> list[dict[str, Any]]:
    """The first records as Bedrock passes them to a grader, each with its reference as the model's answer."""
    bucket, key = naming.place_of(dataset.train.uri)
    lines = s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines()
    records = [json.loads(line) for _, line in zip(range(TRIED), lines, strict=False)]
    return [
        {
            "id": f"preflight-{number}",
            "messages": [
                *record["messages"],
                {"role": "assistant", "content": str(record.get("reference_answer", "an answer"))},
            ],
            "metadata": {name: value for name, value in record.items() if name != "messages"},
        }
        for number, record in enumerate(records)
    ]

"""How a training job has rollouts graded: by the Lambda function that its evaluator refers to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.bedrock.files import JobFailed
from local.bedrock.policy import Grader

Record = dict[str, Any]
Invoke = Callable[[str, bytes], dict[str, Any]]
"""Invokes a function, with the credentials of the job's role; gives Lambda's answer."""


def invoking(lambda_: Any) -> Invoke:
    """By a client of Lambda's."""
    return lambda function, payload: dict(lambda_.invoke(FunctionName=function, Payload=payload))


def grader(invoke: Invoke, function: str, records: Sequence[Record]) -> Grader:
    """Grades answers to records, each by its number."""

    def rewards(tried: Sequence[tuple[int, str]]) -> list[float]:
        sent = [_sample(number, records[row], answer) for number, (row, answer) in enumerate(tried)]
        body = _body(invoke, function, sent)
        try:
            scores = {one["id"]: float(one["aggregate_reward_score"]) for one in body}
            return [scores[one["id"]] for one in sent]
        except (KeyError, TypeError, ValueError) as error:
            raise JobFailed(
                f"AlgorithmError: The reward function {function} gave no reward: {error}"
            ) from error

    return rewards


def _sample(number: int, record: Record, answer: str) -> dict[str, Any]:
    """A rollout as an AWS workshop shows it: the record's other fields beside the conversation."""
    beside = {name: value for name, value in record.items() if name not in ("prompt", "id")}
    messages = [*record["prompt"], {"role": "assistant", "content": answer}]
    return {"id": str(number), "messages": messages, **beside}


def _body(invoke: Invoke, function: str, sent: Sequence[Record]) -> Any:
    try:
        answer = invoke(function, json.dumps(sent).encode())
        said = json.loads(answer["Payload"].read())
    except (ClientError, BotoCoreError) as error:
        raise JobFailed(
            f"AlgorithmError: The reward function {function} could not be invoked: {error}"
        ) from error
    if "FunctionError" in answer:
        raise JobFailed(f"AlgorithmError: The reward function {function} failed: {said}")
    if not isinstance(said, dict) or said.get("statusCode") != 200:
        raise JobFailed(f"AlgorithmError: The reward function {function} answered without status 200: {said}")
    return json.loads(said["body"])

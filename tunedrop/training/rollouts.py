"""Rollouts: the answers that a model samples in training by verifiable rewards (RLVR), and their grading.

Training data is in verl's format: `{data_source, prompt: [messages], ability, reward_model: {style: rule,
ground_truth}}` (SageMaker AI developer guide, customizing-models-rft, read 2026-11-29). The reward function
is called with a list of `{id, messages, …}`, the model's answer last, and returns an HTTP-like object whose
body is the JSON of a list of `{id, aggregate_reward_score, metrics_list}` (an AWS workshop on custom reward
functions; sagemaker-python-sdk, rlvr_reward_verifier.py and oss_reward_fn.py; read 2026-11-29). These
sources disagree on the location of the ground truth in a sample: `metadata`, the sample itself, or
`reward_model`. The grader's input is therefore one string, which is found in any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

_MARK = '{"graded_by":'
"""The prefix of Tunedrop's ground truths, and of no other string of a sample."""


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """One sampled answer: its grader's ARN, the conversation, and the other fields of the record."""

    id: str
    grader: str
    messages: list[dict[str, Any]]
    metadata: dict[str, Any]


class NoRollout(ValueError):
    """A sample without Tunedrop's ground truth, or without a conversation."""


def record(chat: Mapping[str, Any], grader: str) -> dict[str, Any]:
    """A record for reinforcement in verl's format, which names its grader.

    Parameters
    ----------
    chat
        `{messages, reference_answer, …}`, as a dataset for reinforcement is prepared.
    """
    truth = ground_truth(chat, grader)
    return {
        "data_source": "tunedrop",
        "prompt": chat["messages"],
        "ability": "graded",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "reference_answer": truth,
    }


def ground_truth(chat: Mapping[str, Any], grader: str) -> str:
    """The string of a record that the reward function reads."""
    metadata = {name: value for name, value in chat.items() if name != "messages"}
    return json.dumps({"graded_by": grader, "metadata": metadata}, separators=(",", ":"))


def read(sample: Any, number: int) -> Rollout:
    """A sample as the training service sends it; `number` replaces a missing id.

    Raises
    ------
    NoRollout
        If it cannot be graded; the message says what is missing.
    """
    messages = sample.get("messages") if isinstance(sample, dict) else None
    if not isinstance(messages, list) or not messages:
        raise NoRollout(f"sample {number} has no messages")
    rest = {name: value for name, value in sample.items() if name != "messages"}
    text = next((one for one in _texts(rest) if one.startswith(_MARK)), None)
    if text is None:
        raise NoRollout(
            f"sample {number} does not hold the ground truth of its record; it has "
            f"{', '.join(rest) or 'nothing'}"
        )
    try:
        truth = json.loads(text)
        return Rollout(
            id=str(sample.get("id") or number),
            grader=truth["graded_by"],
            messages=messages,
            metadata=truth["metadata"],
        )
    except (ValueError, KeyError, RecursionError) as error:
        raise NoRollout(f"sample {number} holds a ground truth that was cut or changed") from error


def sample(row: Mapping[str, Any], answer: str, number: int) -> dict[str, Any]:
    """A rollout of a record in verl's format, as the reward function receives it in an AWS workshop."""
    rest = {name: value for name, value in row.items() if name != "prompt"}
    said = {"role": "assistant", "content": answer}
    return {"id": f"rollout-{number}", "messages": [*row["prompt"], said], **rest}


def answered(payload: bytes) -> Any:
    """The decoded response of a grader's function, which is someone else's and may return anything.

    Raises
    ------
    ValueError
        If it is not JSON, or nested too deeply for Python.
    """
    try:
        return json.loads(payload or b"null")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def scores(sent: Sequence[Mapping[str, Any]], answer: Any) -> list[float]:
    """The rewards in a reward function's answer, in the order of the samples.

    Raises
    ------
    NoRollout
        If the training service could not read it.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        why = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise NoRollout(f"it failed: {why or 'it gave no status'}")
    try:
        body = json.loads(answer["body"])
    except (KeyError, TypeError, ValueError, RecursionError):
        body = None
    if answer["statusCode"] != 200:
        why = body.get("error", "no reason given") if isinstance(body, dict) else "no reason given"
        raise NoRollout(f"it answered {answer['statusCode']}: {str(why)[:500]}")
    try:
        ids = [one["id"] for one in body]
        found = [float(one["aggregate_reward_score"]) for one in body]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise NoRollout("its body is no list of {id, aggregate_reward_score, metrics_list}") from None
    if ids != [one["id"] for one in sent]:
        raise NoRollout(f"it was sent {len(sent)} rollouts and answered others")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)

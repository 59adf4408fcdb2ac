"""Grades answers for reinforcement fine-tuning: the built-in grader, and the format of any grader's response.

Bedrock calls a Lambda function with a list of `{id, messages, metadata: {reference_answer, …}}`, the model's
answer last among the messages, and reads a list of `{id, aggregate_reward_score, …}` (Bedrock user guide,
reward-functions; aws-samples/amazon-bedrock-samples, bedrock-reinforcement-fine-tuning; read 2026-11-23).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.errors import InvalidManifest
from tunedrop.evaluation.scoring.metrics import normalized_match, token_f1
from tunedrop.evaluation.scoring.words import words
from tunedrop.manifest import Manifest
from tunedrop.stage import Stage
from tunedrop.training import engines

CONTAINED = 0.6
"""The reward of an answer that contains the reference among other words: correct, but not in the requested
form."""

ALIKE = 0.4
"""The maximum reward for common words."""

TOLERANCE = 1e-6
"""The relative difference up to which two numbers are equal."""

_NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """One graded answer, as Bedrock reads it. Rewards are from 0 to 1."""

    id: str
    aggregate_reward_score: float
    reward_components: dict[str, float] = {}


def grade(items: Sequence[Mapping[str, Any]]) -> list[Grade]:
    """The built-in grader: scores each answer by its similarity to the reference."""
    return [_graded(item) for item in items]


def reward(reference: str, answer: str) -> dict[str, float]:
    """The components of a reward, of which the maximum counts.

    The same text, apart from case, punctuation and number formatting: 1. The reference within the answer, or
    the same number at its end: 0.6. Otherwise up to 0.4 for common words.
    """
    return {
        "match": normalized_match(reference, answer) if words(reference) else float(reference == answer),
        "number": _same_number(reference, answer),
        "contained": CONTAINED * _contains(reference, answer),
        "alike": ALIKE * token_f1(reference, answer) if words(reference) else 0.0,
    }


def problems(sent: Sequence[Mapping[str, Any]], answer: Any) -> list[str]:
    """The problems of a grader's response to the items that were sent; empty if Bedrock can read it."""
    if not isinstance(answer, list):
        return [f"it answered {type(answer).__name__} instead of a list"]
    found = []
    asked = [str(item["id"]) for item in sent]
    given = [str(one.get("id")) if isinstance(one, dict) else "" for one in answer]
    if sorted(given) != sorted(asked):
        found.append(f"it was sent the ids {', '.join(asked)} and answered {', '.join(given) or 'none'}")
    for one in answer:
        score = one.get("aggregate_reward_score") if isinstance(one, dict) else None
        if not _is_number(score):
            found.append(f"aggregate_reward_score is {str(score)[:100]}; it must be a finite number")
            break
    return found


def _is_number(score: object) -> bool:
    """Whether it is a number in the range of floats; JSON has whole numbers of any length."""
    try:
        return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
    except OverflowError:
        return False


def grader_of(stage: Stage, base_model: BaseModel, parent_model: str, document: Manifest) -> str:
    """The ARN of a manifest's grader; the built-in one by default.

    Raises
    ------
    InvalidManifest
        If Bedrock does not support this method for the base model, or the stage does not allow the grader.
    """
    if document.method != "reinforcement":
        if document.grader is not None:
            raise InvalidManifest(f"grader: only reinforcement has one; method is {document.method}")
        return ""
    if "reinforcement" not in base_model.methods:
        raise InvalidManifest(
            f"method: Bedrock does not offer reinforcement for {base_model.name}. "
            f"{catalog.instead(base_model, 'reinforcement', region=stage.region)}"
        )
    engine = engines.of(base_model, "reinforcement")
    if parent_model and not (engine.reinforces_results and engine.model_arns in parent_model):
        raise InvalidManifest(
            f"base_model: reinforcement of {base_model.name} begins with a base model, not with a custom "
            f"model; name {base_model.id}"
        )
    allowed = stage.allowed_graders
    if document.grader is not None and document.grader not in allowed:
        raise InvalidManifest(
            f"grader: this stage does not allow {document.grader}; allowed are {', '.join(allowed)} "
            "(setting graders)"
        )
    return document.grader or stage.grader_arn


def _graded(item: Mapping[str, Any]) -> Grade:
    metadata = item.get("metadata") or {}
    reference = metadata.get("reference_answer", "")
    if not isinstance(reference, str):
        reference = msgspec.json.encode(reference).decode()
    parts = reward(reference, _last_answer(item.get("messages") or []))
    return Grade(id=str(item["id"]), aggregate_reward_score=max(parts.values()), reward_components=parts)


def _last_answer(messages: Sequence[Mapping[str, Any]]) -> str:
    answers = [message.get("content", "") for message in messages if message.get("role") == "assistant"]
    content = answers[-1] if answers else ""
    if isinstance(content, list):  # content blocks, as Converse writes them
        content = " ".join(str(block.get("text", "")) for block in content)
    return str(content)


def _contains(reference: str, answer: str) -> bool:
    expected, given = words(reference), words(answer)
    return bool(expected) and any(
        given[start : start + len(expected)] == expected for start in range(len(given) - len(expected) + 1)
    )


def _same_number(reference: str, answer: str) -> float:
    """1 if only the formatting of numbers differs, as in `42 km` and `42.0 km`; 0 without numbers.

    An answer that only ends with a short reference's number is correct, but not in the requested form. A
    model that gets the full reward for it learns to list numbers, or to give the right one for a wrong
    reason.
    """
    expected, given = _numbers(reference), _numbers(answer)
    if not expected or not given:
        return 0.0
    others_alike = words(_NUMBER.sub(" ", reference)) == words(_NUMBER.sub(" ", answer))
    if others_alike and len(expected) == len(given) and all(map(_is_close, expected, given)):
        return 1.0
    ends_alike = len(words(reference)) <= 2 and _is_close(expected[-1], given[-1])
    return CONTAINED * ends_alike


def _is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _numbers(text: str) -> list[float]:
    return [float(one.replace(",", "")) for one in _NUMBER.findall(text)]

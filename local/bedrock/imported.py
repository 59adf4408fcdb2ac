"""Imported models: their descriptions, when they are active, and their answers in three formats.

A model without requests for five minutes is put to sleep; the first request wakes it, and until it is active
requests are refused (user guide, invoke-imported-model). Both take at least a thirtieth of the time on AWS,
however fast the local clock is, because clients retry in real seconds.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from local import ministack
from local.bedrock.language import pieces
from local.bedrock.lessons import text_of
from local.bedrock.wire import Refusal
from local.bedrock.world import Imported, World

IDLE_MINUTES = 5.0
WAKING_MINUTES = 1.0
FASTEST = 30.0
"""How much faster than on AWS models fall asleep and wake, at most."""

MAX_TOKENS = 512
THOUGHT = "<think>\nThe question is short, so the answer can be given at once.\n</think>\n\n"


class ImportedModels:
    """The operations on imported models."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        one = self._find(request["modelIdentifier"])
        version = "v2.0" if one.architecture == "gpt_oss" else "v1.0"
        key = one.job.get("importedModelKmsKeyArn")
        return _summary(one) | {
            "jobName": one.job["jobName"],
            "jobArn": one.job["jobArn"],
            "modelDataSource": one.job["modelDataSource"],
            "customModelUnits": {
                "customModelUnitsPerModelCopy": one.units, "customModelUnitsVersion": version,
            },
            **({"modelKmsKeyArn": key} if key else {}),
        }  # fmt: skip

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        part, region = request.get("nameContains", ""), ministack.region()
        models = self._world.imported.values()
        found = [_summary(one) for one in models if part in one.name and f":{region}:" in one.arn]
        return {"modelSummaries": found}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        one = self._find(request["modelIdentifier"])
        with self._world.lock:
            self._world.billed.append((one.arn, float(one.windows * one.units)))
            del self._world.imported[one.arn]
        return {}

    def _find(self, identifier: str) -> Imported:
        for one in self._world.imported.values():
            if identifier in (one.arn, one.name):
                return one
        raise Refusal("ResourceNotFoundException", f"The imported model {identifier} could not be found.")


def _summary(one: Imported) -> dict[str, Any]:
    return {
        "modelArn": one.arn,
        "modelName": one.name,
        "creationTime": one.created,
        "instructSupported": one.converses,
        "modelArchitecture": one.architecture,
    }


def answer(world: World, one: Imported, body: dict[str, Any]) -> dict[str, Any]:
    """The response of an imported model to the body of InvokeModel, in the format of the request.

    Raises
    ------
    Refusal
        ModelNotReadyException while it wakes; ValidationException where the body has no known form, or the
        chat form is asked for and the model has no chat template.
    """
    stay_awake(world, one)
    if "messages" in body:
        return _chat(one, body)
    if "prompt" not in body:
        raise Refusal("ValidationException", "The body must have either messages or a prompt.")
    read = len(pieces(body["prompt"]))
    limit = int(body.get("max_tokens", body.get("max_gen_len", MAX_TOKENS)))
    text, spoken = spoken_by(one, [body["prompt"]], limit)
    ended = "length" if spoken >= limit else "stop"
    if "max_tokens" in body:
        choice = {"index": 0, "text": text, "finish_reason": ended}
        return _openai("cmpl", "text_completion", choice, read, spoken)
    return {
        "generation": text,
        "prompt_token_count": read,
        "generation_token_count": spoken,
        "stop_reason": ended,
        "logprobs": None,
    }


def spoken_by(one: Imported, turns: Sequence[str], limit: int, system: str = "") -> tuple[str, int]:
    """An answer as the model gives it, its reasoning if it reasons, and the number of its tokens."""
    thought = pieces(THOUGHT) if one.reasons else []
    if len(thought) >= limit:
        return THOUGHT[: len(THOUGHT) * limit // len(thought)], limit
    text = one.brain.answer(turns, limit - len(thought), system)
    return (THOUGHT if one.reasons else "") + text, len(thought) + len(pieces(text))


def stay_awake(world: World, one: Imported) -> None:
    """Record a request to the model; refused while it sleeps or wakes."""
    speed = min(world.clock_speed, FASTEST)
    idle, waking = IDLE_MINUTES * 60 / speed, WAKING_MINUTES * 60 / speed
    moment = time.monotonic()
    with world.lock:
        if one.awake_from is None or moment > max(one.awake_from, one.asked) + idle:
            one.awake_from = moment + waking
        if moment < one.awake_from:
            raise Refusal(
                "ModelNotReadyException", f"Model {one.arn} is not ready for inference. Try again later."
            )
        one.asked = moment
        ministack.count("AWS/Bedrock", "Invocations", ModelId=one.arn)
        if moment >= one.window_until:
            one.windows += 1
            one.window_until = moment + idle


def _chat(one: Imported, body: dict[str, Any]) -> dict[str, Any]:
    if not one.has_template:
        raise Refusal("ValidationException", f"The model {one.name} has no chat template.")
    messages = [(message["role"], text_of(message["content"])) for message in body["messages"]]
    system = " ".join(text for role, text in messages if role == "system")
    turns = [text for role, text in messages if role != "system"]
    if not turns:
        raise Refusal("ValidationException", "The messages must have one of the user.")
    limit = int(body.get("max_tokens", body.get("max_completion_tokens", MAX_TOKENS)))
    text, spoken = spoken_by(one, turns, limit, system)
    ended = "length" if spoken >= limit else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": ended}
    return _openai("chatcmpl", "chat.completion", choice, sum(len(pieces(turn)) for turn in turns), spoken)


def _openai(kind: str, name: str, choice: dict[str, Any], read: int, spoken: int) -> dict[str, Any]:
    usage = {"prompt_tokens": read, "completion_tokens": spoken, "total_tokens": read + spoken}
    id_ = f"{kind}-{uuid.uuid4().hex}"
    return {"id": id_, "object": name, "created": int(time.time()), "choices": [choice], "usage": usage}

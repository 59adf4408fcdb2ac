"""Inference: Converse, and InvokeModel with the body of each family."""

from __future__ import annotations

import json
import time
from typing import Any

from local import ministack
from local.bedrock import imported
from local.bedrock.language import pieces
from local.bedrock.wire import Refusal
from local.bedrock.world import World

MAX_TOKENS = 512


class Runtime:
    """The operations of bedrock-runtime."""

    def __init__(self, world: World) -> None:
        self._world = world

    def converse(self, request: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        messages = request["messages"]
        if not messages or messages[-1]["role"] != "user":
            raise Refusal("ValidationException", "The conversation must end with a user message.")
        turns = [" ".join(block.get("text", "") for block in one["content"]) for one in messages]
        limit = request.get("inferenceConfig", {}).get("maxTokens", MAX_TOKENS)
        system = " ".join(block.get("text", "") for block in request.get("system", []))
        answer = self._answer(request["modelId"], turns, limit, system)
        spoken, read = len(pieces(answer)), sum(len(pieces(turn)) for turn in turns)
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": answer}]}},
            "stopReason": "max_tokens" if spoken >= limit else "end_turn",
            "usage": {"inputTokens": read, "outputTokens": spoken, "totalTokens": read + spoken},
            "metrics": {"latencyMs": max(1, int((time.monotonic() - started) * 1000))},
        }

    def invoke(self, request: dict[str, Any]) -> bytes:
        body = json.loads(request["body"])
        if one := self._world.imported.get(request["modelId"]):
            return json.dumps(imported.answer(self._world, one, body)).encode()
        _, base = self._world.brain_of(request["modelId"], ministack.region())
        return json.dumps(self._invoke_family(base.family, request["modelId"], body)).encode()

    def _invoke_family(self, family: str, model_id: str, body: dict[str, Any]) -> dict[str, Any]:
        if family.startswith("nova"):
            body.setdefault("inferenceConfig", {})
            return self.converse({"modelId": model_id, **body})
        if family.startswith("titan"):
            prompt = body["inputText"]
            limit = body.get("textGenerationConfig", {}).get("maxTokenCount", MAX_TOKENS)
            answer = self._answer(model_id, [prompt], limit)
            spoken = len(pieces(answer))
            reason = "LENGTH" if spoken >= limit else "FINISH"
            result = {"tokenCount": spoken, "outputText": answer, "completionReason": reason}
            return {"inputTextTokenCount": len(pieces(prompt)), "results": [result]}
        prompt = body["prompt"]
        limit = body.get("max_gen_len", MAX_TOKENS)
        answer = self._answer(model_id, [prompt], limit)
        spoken = len(pieces(answer))
        return {
            "generation": answer,
            "prompt_token_count": len(pieces(prompt)),
            "generation_token_count": spoken,
            "stop_reason": "length" if spoken >= limit else "stop",
        }

    def _answer(self, model_id: str, turns: list[str], limit: int, system: str = "") -> str:
        if one := self._world.imported.get(model_id):
            if not one.converses:
                raise Refusal(
                    "ValidationException",
                    "This action doesn't support the model that you provided. Try again with a supported "
                    "text or chat model.",
                )
            imported.stay_awake(self._world, one)
            return imported.spoken_by(one, turns, limit, system)[0]
        brain, _ = self._world.brain_of(model_id, ministack.region())
        return brain.answer(turns, limit, system)

"""Models: their list, and chat with OpenAI's body."""

from __future__ import annotations

from typing import Any

from local import ministack
from local.bedrock.brain import Brain
from local.bedrock.language import pieces
from local.bedrock.lessons import text_of
from local.bedrock.wire import Refusal
from local.mantle.jobs import BASES
from local.mantle.state import State, new_id, now
from tunedrop import catalog

MAX_TOKENS = 4_096


class Models:
    """The operations on models."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, id_: str) -> dict[str, Any]:
        self._brain(id_)
        tuned = self._state.models.get(id_)
        owner = ministack.account() if tuned else "system"
        return {"id": id_, "object": "model", "created": tuned.created if tuned else 0, "owned_by": owner}

    def chat(self, request: dict[str, Any]) -> dict[str, Any]:
        if "model" not in request or not request.get("messages"):
            raise Refusal("ValidationException", "model and messages are required.")
        brain = self._brain(str(request["model"]))
        messages = [(one["role"], text_of(one["content"])) for one in request["messages"]]
        system = " ".join(text for role, text in messages if role in ("system", "developer"))
        turns = [text for role, text in messages if role not in ("system", "developer")]
        if not turns:
            raise Refusal("ValidationException", "The messages must have one of the user.")
        limit = int(request.get("max_completion_tokens") or request.get("max_tokens") or MAX_TOKENS)
        text = brain.answer(turns, limit, system)
        read, spoken = sum(len(pieces(one)) for one in turns), len(pieces(text))
        message = {"role": "assistant", "content": text, "refusal": None}
        ended = "length" if spoken >= limit else "stop"
        return {
            "id": f"chatcmpl-{new_id(24)}",
            "object": "chat.completion",
            "created": now(),
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": ended, "logprobs": None}],
            "usage": {"prompt_tokens": read, "completion_tokens": spoken, "total_tokens": read + spoken},
        }

    def _brain(self, id_: str) -> Brain:
        if id_ in self._state.models:
            return self._state.models[id_].brain
        if id_ in BASES:
            return self._state.world.base_brain_of(catalog.find(id_))
        raise Refusal("ResourceNotFoundException", f"The model '{id_}' does not exist.")

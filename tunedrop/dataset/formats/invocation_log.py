"""Bedrock's invocation logs and batch output: prompts, with a teacher's answers for distillation.

`{"schemaType": "ModelInvocationLog", "input": {"inputBodyJson"}, "output": {"outputBodyJson"}}` of invocation
logs, and `{"recordId", "modelInput", "modelOutput"}` of batch inference; the bodies are those of Converse,
Anthropic, Nova, Llama or Titan. Source: Bedrock user guide, model-invocation-logging,
distillation-prepare-datasets and batch-inference-data. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import anthropic, converse, openai_chat, transcripts, turns
from tunedrop.dataset.formats.record import Conversation, Reading, SourceFormat, Turn
from tunedrop.dataset.formats.record import said as said_of
from tunedrop.dataset.types import Problem, shorten

_PARAMETERS = anthropic.REQUEST | {
    "inferenceConfig", "additionalModelRequestFields", "guardrailConfig", "max_gen_len",
    "textGenerationConfig", "schemaVersion", "performanceConfig", "requestMetadata",
}  # fmt: skip


_OWN = frozenset(
    [
        "schemaType",
        "schemaVersion",
        "timestamp",
        "accountId",
        "identity",
        "region",
        "inferenceRegion",
        "requestId",
        "operation",
        "modelId",
        "errorCode",
        "input",
        "output",
        "recordId",
        "modelInput",
        "modelOutput",
        "error",
        "requestMetadata",
    ]
)
"""Keys of a log about the request, which are not training data."""


def kind(record: Mapping[str, Any]) -> SourceFormat | None:
    """Which of the two formats a record has; None for neither."""
    if isinstance(record.get("modelInput"), dict):
        return "batch-output"
    body = record.get("input")
    if record.get("schemaType") == "ModelInvocationLog" or (
        isinstance(body, dict) and "inputBodyJson" in body
    ):
        return "invocation-log"
    return None


_SAID = frozenset(
    ["output", "message", "content", "role", "type", "id", "model", "object", "created", "usage", "metrics",
     "stopReason", "stop_reason", "stop_sequence", "finish_reason", "index", "trace", "choices", "outputs",
     "results", "generation", "completion", "outputText", "inputTextTokenCount", "tokenCount",
     "completionReason", "prompt_token_count", "generation_token_count", "additionalModelResponseFields",
     "performanceConfig", "inputContentType", "inputTokenCount", "inputBodyJson", "outputContentType",
     "outputTokenCount", "outputBodyJson", "text", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"]
)  # fmt: skip
"""Keys of requests and responses that are not part of the conversation."""


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed. Everything outside of the conversation is about the request,
    and not kept."""
    if reading.format == "batch-output":
        asked, said, at = record.get("modelInput"), record.get("modelOutput"), "$.modelInput"
    else:
        asked, said, at = _body(record, "input"), _body(record, "output"), "$.input.inputBodyJson"
    if not isinstance(asked, dict):
        what = "the log entry has no body: large bodies are stored separately in S3 (inputBodyS3Path)"
        reading.add(at, "TD011", what, asked, "inputBodyJson")
        return None
    losses: list[str] = []
    answer: str | list[Any] | None = None
    if isinstance(said, dict | list):
        answer = _streamed(said) if isinstance(said, list) else _answer(said, losses)
    found = _asked(asked, answer, at, reading)
    if found is None:
        return None
    if not found.is_answered and (why := _why_unanswered(record, said)):
        reading.guesses.append(Problem("$", "TD008", why, "no answer", "a prompt with its answer"))
    unread = {key: value for key, value in record.items() if key not in _OWN}
    for key in ("input", "output"):
        losses += _beside(record.get(key), f"$.{key}")
    return msgspec.structs.replace(found, unread={**found.unread, **unread}, losses=(*found.losses, *losses))


def _why_unanswered(record: Mapping[str, Any], said: Any) -> str:
    """Why a request has no answer; empty if unknown."""
    output = record.get("output")
    error = record.get("errorCode") or record.get("error")
    if error:
        shown = error.get("errorMessage", error) if isinstance(error, dict) else error
        return f"the request failed ({shorten(shown)}): the prompt is read without an answer"
    if isinstance(output, dict) and output.get("outputBodyS3Path"):
        return "the answer is stored in S3 (outputBodyS3Path): the prompt is read without it"
    return "the answer has an unknown form: the prompt is read without it" if said else ""


def _streamed(chunks: list[Any]) -> str | None:
    """The text of a streamed answer, joined from the chunks of Anthropic, Nova, Llama and Titan."""
    return "".join(map(_of_chunk, chunks)) or None


def _of_chunk(chunk: Any) -> str:
    there = chunk if isinstance(chunk, dict) else {}
    block = there.get("contentBlockDelta")
    delta = block.get("delta") if isinstance(block, dict) else there.get("delta")
    said = delta if isinstance(delta, dict) else there
    found = next((said[key] for key in ("text", "generation", "outputText", "completion") if key in said), "")
    return found if isinstance(found, str) else ""


def _beside(part: Any, path: str) -> list[str]:
    """The paths of fields that are not known parts of a request or an answer."""
    if not isinstance(part, dict):
        return []
    return [f"{path}.{shorten(key)}" for key in part if key not in _SAID]


def _body(record: Mapping[str, Any], side: str) -> Any:
    part = record.get(side)
    return part.get(f"{side}BodyJson") if isinstance(part, dict) else None


def _asked(
    asked: Mapping[str, Any], answer: str | list[Any] | None, at: str, reading: Reading
) -> Conversation | None:
    text = asked.get("prompt", asked.get("inputText"))
    if isinstance(text, str) and text.strip():
        said = answer if isinstance(answer, str) else ""
        both = (Turn("user", text, (), at), *([Turn("assistant", said, (), at)] if said else []))
        system, spoken = "", transcripts.spoken(text, said) if said and transcripts.begins(text) else ()
        if spoken and all(role in (turns.SYSTEM, turns.USER, turns.ASSISTANT) for role, _ in spoken):
            both = tuple(Turn(role, words, (), at) for role, words in spoken if role != turns.SYSTEM)
            system = "\n\n".join(words for role, words in spoken if role == turns.SYSTEM)
        own = ("prompt", "inputText", *_PARAMETERS)
        losses = tuple(f"{at}.{shorten(key)}" for key in asked if key not in own)
        return Conversation(both, system, losses=losses)
    asked = _of_cohere(asked)
    if not isinstance(asked.get("messages"), list):
        keys = ", ".join(map(shorten, asked)) or "no keys"
        reading.add(at, "TD010", f"the request contains no prompt; it has {keys}", keys, "messages or prompt")
        return None
    messages = list(asked["messages"])
    body = {key: value for key, value in asked.items() if key not in _PARAMETERS}
    is_converse = not openai_chat.fits({"messages": messages}) and not anthropic.fits(asked)
    if answer:
        is_text = isinstance(answer, str)
        messages.append(
            {"role": "assistant", "content": [{"text": answer}] if is_converse and is_text else answer}
        )
    body["messages"] = messages
    if is_converse:
        if isinstance(body.get("system"), str):
            body["system"] = [{"text": body["system"]}]
        return converse.read(body, reading)
    if anthropic.fits({**asked, "messages": messages}) or "system" in body:
        return anthropic.read(body, reading)
    return openai_chat.read(body, reading)


def _of_cohere(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """A request to Command R with its message and chat history as `messages`; others unchanged."""
    message, before = asked.get("message"), asked.get("chat_history") or []
    if not isinstance(message, str) or not isinstance(before, list):
        return asked
    said = [*before, {"role": turns.USER, "message": message}]
    messages = [
        {
            **{key: value for key, value in one.items() if key != "message"},
            "role": turns.role_of(one.get("role")) or one.get("role"),
            "content": one.get("message"),
        }
        for one in said
        if isinstance(one, dict)
    ]
    if preamble := asked.get("preamble"):
        messages.insert(0, {"role": turns.SYSTEM, "content": preamble})
    rest = {key: one for key, one in asked.items() if key not in ("message", "chat_history", "preamble")}
    return {**rest, "messages": messages}


def _answer(said: Mapping[str, Any], losses: list[str]) -> str | list[Any] | None:
    """The answer, in any of the models' forms: a text, or content blocks if there is more than text."""
    losses += _beside(said, "$.output")
    output = said.get("output")
    losses += _beside(output, "$.output.output")
    message = output.get("message") if isinstance(output, dict) else None
    losses += _beside(message, "$.output.output.message")
    content = message.get("content") if isinstance(message, dict) else said.get("content")
    if isinstance(content, list):
        if any(not isinstance(one, dict) or not isinstance(one.get("text"), str) for one in content):
            return content
        for index, one in enumerate(content):
            extra = [key for key in one if key not in ("text", "type") and one[key]]
            losses += [f"$.output.content[{index}].{shorten(key)}" for key in extra]
        return "\n".join(one["text"] for one in content) or None
    for key in ("generation", "completion", "outputText"):
        if isinstance(said.get(key), str):
            return str(said[key])
    for key, inside in (
        ("results", "outputText"),
        ("choices", "message"),
        ("choices", "text"),
        ("outputs", "text"),
    ):
        first = said[key][0] if isinstance(said.get(key), list) and said[key] else None
        found = first.get(inside) if isinstance(first, dict) else None
        own = found if isinstance(found, dict) else {}
        found = own.get("content", found)
        if isinstance(first, dict) and isinstance(found, str):
            losses += _beside(said_of(first), f"$.output.{key}[]")
            losses += _beside(said_of(own), f"$.output.{key}[].{inside}")
            return found
    return said["text"] if isinstance(said.get("text"), str) else None

"""Records that hold a record: what tracing tools, batches and trainers put around a conversation.

| from | form |
| --- | --- |
| TRL, verl | `{"prompt": [messages], "completion": [messages]}`, the second missing for a grader |
| Langfuse, LangSmith | `{"input": …, "output": …}`, `{"inputs": {…}, "outputs": {…}}` |
| OpenAI, stored and batch | `{"request": {"messages"}, "response": {"choices"}}`, `{"body": {"messages"}}` |
| tables | `{"messages": "[…]"}`, JSON in a string |
| dataset viewers | `{"row": {…}}`, `{"data": {…}}` |

What stands around the conversation stays in the record, under the names `request.model` and the like.
Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import names, pairs

_ASKED = ("request", "input", "inputs", "body", "prompt")
_SAID = ("response", "output", "outputs", "completion", "reference_output")
_AROUND = ("row", "data", "record", "example")
_LIFTED = ("tools", "functions", "system")


def unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record that a record holds, with what stands around it; the same record where it holds none."""
    if isinstance(record.get("messages"), list):
        return record
    for key in ("messages", "contents", *names.CONVERSATIONS):
        value = record.get(key)
        if isinstance(value, str) and value.lstrip().startswith("[") and (found := _decoded(value)):
            return {**record, key: found}
    if not any(isinstance(value, dict | list) for value in record.values()) or "schemaType" in record:
        return record
    for key in _AROUND:
        inside = record.get(key)
        if isinstance(inside, dict) and ("messages" in inside or pairs.keys_of(inside).format is not None):
            return _without(record, key) | inside
    return _exchange(record)


def _decoded(text: str) -> list[Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return found if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _exchange(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was asked and what was said, under two keys."""
    asked = next((key for key in _ASKED if _messages(record.get(key))), "")
    said = next((key for key in _SAID if record.get(key) not in (None, "", [], {})), "")
    if asked:
        rest = _without(record, asked)
        messages = list(_messages(record[asked]))
        rest |= _beside(asked, record[asked])
        if said:
            answer = _answer(record[said])
            if answer is None:
                return record
            messages += answer
            rest = {**_without(rest, said), **_beside(said, record[said])}
        return {"messages": messages, **rest}
    for one, other in (("inputs", "outputs"), ("input", "output")):
        if isinstance(record.get(one), dict) and isinstance(record.get(other), dict):
            return {**_without(record, one, other), **record[one], **record[other]}
    return record


def _without(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}


def _messages(value: Any) -> list[Any]:
    """The messages of what was asked; none where it is no chat."""
    found = value.get("messages") if isinstance(value, dict) else value
    return found if isinstance(found, list) and found and all(map(_is_message, found)) else []


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _answer(value: Any) -> list[Any] | None:
    """The messages of what was said; None where it is something else."""
    if isinstance(value, str):
        return [{"role": "assistant", "content": value}]
    if found := _messages(value):
        return found
    if not isinstance(value, dict):
        return None
    if _is_message(value):
        return [value]
    choices = value.get("choices")
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        return [choices[0]["message"]] if _is_message(choices[0].get("message")) else None
    if isinstance(value.get("content"), str):
        return [{"role": "assistant", "content": value["content"]}]
    return None


def _beside(name: str, value: Any) -> dict[str, Any]:
    """What stands beside the messages inside a wrapper."""
    if not isinstance(value, dict) or _is_message(value):
        return {}
    used = ("messages", "choices", "content")
    around = {
        key if key in _LIFTED else f"{name}.{key}": one for key, one in value.items() if key not in used
    }
    for choice in value.get("choices") or []:
        around |= {f"{name}.choices.{key}": one for key, one in choice.items() if key != "message"}
    return around

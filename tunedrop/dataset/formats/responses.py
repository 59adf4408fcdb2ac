"""Converts items of OpenAI's Responses API, where calls and their outputs are items, to chat messages.

`[{"role": "user", "content"}, {"type": "function_call", "call_id", "name", "arguments"},
{"type": "function_call_output", "call_id", "output"}, {"type": "message", "role": "assistant", "content"}]`.
Source: OpenAI API reference, responses. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ITEMS = frozenset(("function_call", "function_call_output", "reasoning"))


def are_items(value: list[Any]) -> bool:
    """Whether a list consists of items and messages, with at least one item that is not a message."""
    if not any(map(_is_item, value)):
        return False
    return all(_is_item(one) or (isinstance(one, dict) and isinstance(one.get("role"), str)) for one in value)


def _is_item(value: Any) -> bool:
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in _ITEMS


def messages(items: list[Any]) -> list[dict[str, Any]]:
    """The messages of items: consecutive texts and calls of the assistant become one message."""
    found: list[dict[str, Any]] = []
    for item in items:
        kind = item.get("type")
        if kind == "function_call_output":
            found.append({"role": "tool", **_renamed(item, call_id="tool_call_id", output="content")})
            continue
        if kind not in _ITEMS and item.get("role") != "assistant":
            found.append(item)
            continue
        if not found or found[-1]["role"] != "assistant":
            found.append({"role": "assistant", "content": []})
        if kind == "function_call":
            function = {key: item[key] for key in ("name", "arguments") if key in item}
            call = _renamed(item, call_id="id")
            around = {key: one for key, one in call.items() if key not in function}
            found[-1].setdefault("tool_calls", []).append({**around, "function": function})
        else:
            found[-1]["content"] += _parts(item)
            found[-1] |= {key: one for key, one in item.items() if key not in _OF_A_MESSAGE}
    return found


_OF_A_MESSAGE = ("role", "content", "type", "summary")


def _renamed(item: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """An item with the keys of the chat format, without its own id and type."""
    return {names.get(key, key): one for key, one in item.items() if key not in ("type", "id")}


def _parts(item: Mapping[str, Any]) -> list[Any]:
    """The parts of an assistant's text, or of its reasoning."""
    given = [*_listed(item.get("summary")), *_listed(item.get("content"))]
    if item.get("type") != "reasoning":
        return given
    return [{**one, "type": "reasoning"} if isinstance(one, dict) else one for one in given]


def _listed(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [] if content is None else [{"type": "text", "text": content}]

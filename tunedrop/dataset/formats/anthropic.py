"""Anthropic's messages: a system prompt of its own, content blocks with a `type`, tool_use and tool_result.

Source: Anthropic API reference, messages. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading, said
from tunedrop.dataset.types import shorten

_TYPES = ("tool_use", "tool_result", "thinking", "redacted_thinking")
_OWN = frozenset({"messages", "system", "tools", "schemaVersion"})
REQUEST = frozenset(
    {"anthropic_version", "max_tokens", "model", "temperature", "top_p", "top_k", "stop_sequences", "stream",
     "metadata", "tool_choice", "thinking"}
)  # fmt: skip
"""Keys of a request that are not part of the conversation."""


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record with messages has anything that only Anthropic's format has."""
    messages = record.get("messages")
    if not isinstance(messages, list):
        return False
    system = record.get("system")
    if isinstance(system, list) and any(
        isinstance(one, dict) and one.get("type") == "text" for one in system
    ):
        return True
    if "anthropic_version" in record:
        return True
    definitions = record.get("tools")
    if isinstance(definitions, list) and any(
        isinstance(one, dict) and "input_schema" in one for one in definitions
    ):
        return True
    return any(
        _is_block(block) for one in messages if isinstance(one, dict) for block in _list(one.get("content"))
    )


def _list(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def _is_block(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in _TYPES


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = said(record)
    messages = record.get("messages") or []
    losses: list[str] = []
    extra: dict[str, Any] = {}
    if "tools" in record:
        extra["toolConfig"] = tools.config(record["tools"], "$.tools", reading, losses)
    chat, calls = turns.Turns(reading), tools.Calls()
    system = turns.parts(record.get("system"), "$.system", reading, losses)
    if system:
        chat.note("\n".join(one.get("text", "") for one in system), "$.system")
        losses += [f"$.system[{index}]" for index, one in enumerate(system) if "text" not in one]
    for index, message in enumerate(messages):
        path = f"$.messages[{index}]"
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            shown = shorten(message.get("role") if isinstance(message, dict) else message)
            reading.add(
                f"{path}.role",
                "TD023",
                f"role is {shown}; expected user or assistant",
                shown,
                "user or assistant",
            )
            return None
        _message(said(message), path, chat, calls, reading, losses)
    ended = chat.end()
    if reading.problems:
        return None
    unread = {key: value for key, value in record.items() if key not in _OWN}
    return Conversation(ended, "\n".join(chat.system), extra, unread, tuple(losses))


def _message(
    message: Mapping[str, Any],
    path: str,
    chat: turns.Turns,
    calls: tools.Calls,
    reading: Reading,
    losses: list[str],
) -> None:
    role, content = str(message["role"]), message.get("content")
    blocks: list[dict[str, Any]] = []
    for index, block in enumerate(content if isinstance(content, list) else [content]):
        where = f"{path}.content[{index}]" if isinstance(content, list) else f"{path}.content"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "tool_use" and isinstance(block.get("name"), str):
            blocks.append(calls.use(block["name"], block.get("input"), block.get("id"), where, reading))
            losses += [
                f"{where}.{shorten(key)}" for key in block if key not in ("type", "id", "name", "input")
            ]
        elif kind == "tool_result":
            blocks.append(calls.result(block.get("content", ""), block.get("tool_use_id"), None))
            losses += [
                f"{where}.{shorten(key)}" for key in block if key not in ("type", "tool_use_id", "content")
            ]
        elif kind == "redacted_thinking":
            losses.append(where)
        else:
            listed: list[str] = []
            made = turns.parts([block] if block is not None else None, where, reading, listed)
            losses += [path.replace(f"{where}[0]", where, 1) for path in listed]
            blocks += made or []
    rest = {key: value for key, value in message.items() if key not in ("role", "content")}
    chat.say(role, blocks, f"{path}.content", rest)

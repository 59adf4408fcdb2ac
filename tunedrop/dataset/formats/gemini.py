"""Gemini's contents: `{"systemInstruction", "contents": [{"role": "user" | "model", "parts": [{"text"}]}]}`.

Source: Google Vertex AI, supervised tuning of Gemini, dataset format. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading, said
from tunedrop.dataset.types import shorten

_SYSTEM = ("systemInstruction", "system_instruction")
_DECLARED = ("functionDeclarations", "function_declarations")


def fits(record: Mapping[str, Any]) -> bool:
    """By its key."""
    return isinstance(record.get("contents"), list)


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = said(record)
    losses: list[str] = []
    extra: dict[str, Any] = {}
    chat, calls = turns.Turns(reading), tools.Calls()
    for key in _SYSTEM:
        for text in _texts(record.get(key), f"$.{key}", losses):
            chat.note(text, f"$.{key}")
    offered = record.get("tools") or []
    offered = [offered] if isinstance(offered, dict) else offered
    if not isinstance(offered, list):
        reading.wrong_type("$.tools", "a list of tools", offered)
        return None
    for index, tool in enumerate(offered):
        declared = tool
        if isinstance(tool, dict):
            declared = tool.get(_DECLARED[0], tool.get(_DECLARED[1]))
            losses += [f"$.tools[{index}].{shorten(key)}" for key in tool if key not in _DECLARED]
        made = tools.config(declared, f"$.tools[{index}]", reading, losses)
        extra["toolConfig"] = {
            "tools": [*extra.get("toolConfig", {}).get("tools", []), *made.get("tools", [])]
        }
    for index, message in enumerate(record.get("contents") or []):
        path = f"$.contents[{index}]"
        role = (
            turns.ROLES.get(str(message.get("role", "user")).lower()) if isinstance(message, dict) else None
        )
        if role not in ("user", "assistant", "tool"):
            shown = shorten(message)
            reading.add(
                f"{path}.role",
                "TD023",
                f"expected a turn of user or model, got {shown}",
                shown,
                "user or model",
            )
            return None
        _message(message, path, role, chat, calls, reading, losses)
    ended = chat.end()
    if reading.problems:
        return None
    unread = {key: value for key, value in record.items() if key not in ("contents", "tools", *_SYSTEM)}
    return Conversation(ended, "\n".join(chat.system), extra, unread, tuple(losses), f"$.{_SYSTEM[0]}")


def _texts(instruction: Any, path: str, losses: list[str]) -> list[str]:
    if isinstance(instruction, str):
        return [instruction]
    if isinstance(instruction, dict):
        losses += [f"{path}.{shorten(key)}" for key in instruction if key not in ("parts", "role")]
    parts = instruction.get("parts") if isinstance(instruction, dict) else None
    parts = [parts] if isinstance(parts, dict) else parts
    texts = []
    if parts and not isinstance(parts, list):
        losses.append(f"{path}.parts")
        return []
    for index, one in enumerate(parts or []):
        where = f"{path}.parts[{index}]"
        if not isinstance(one, dict) or not isinstance(one.get("text"), str):
            losses.append(where)
            continue
        losses += [f"{where}.{shorten(key)}" for key in one if key != "text"]
        texts.append(one["text"])
    return texts


def _message(
    message: Mapping[str, Any],
    path: str,
    role: str,
    chat: turns.Turns,
    calls: tools.Calls,
    reading: Reading,
    losses: list[str],
) -> None:
    blocks: list[dict[str, Any]] = []
    parts = message.get("parts")
    if parts and not isinstance(parts, list | dict):
        reading.wrong_type(f"{path}.parts", "a list of parts", parts)
        return
    for index, part in enumerate([parts] if isinstance(parts, dict) else parts or []):
        where = f"{path}.parts[{index}]"
        part = said(part) if isinstance(part, dict) else {"text": part}
        call = part.get("functionCall", part.get("function_call"))
        answer = part.get("functionResponse", part.get("function_response"))
        if isinstance(call, dict) and isinstance(call.get("name"), str):
            blocks.append(calls.use(call["name"], call.get("args"), call.get("id"), where, reading))
        elif isinstance(answer, dict):
            blocks.append(calls.result(answer.get("response"), answer.get("id"), answer.get("name")))
        elif isinstance(part.get("text"), str):
            is_thought = part.get("thought") is True
            blocks.append(turns.reasoning(part["text"]) if is_thought else {"text": part["text"]})
            own = ("text", "thought") if is_thought else ("text",)
            losses += [f"{where}.{shorten(key)}" for key in part if key not in own]
        else:
            keys = ", ".join(map(shorten, part))
            reading.add(where, "TD016", f"a part with {keys} cannot be written for Bedrock", keys, "text")
    rest = {key: value for key, value in message.items() if key not in ("role", "parts")}
    if role == "tool":
        for block in blocks:
            chat.result(block, f"{path}.parts")
        losses += [f"{path}.{shorten(key)}" for key in rest]
    else:
        chat.say(role, blocks, f"{path}.parts", rest)

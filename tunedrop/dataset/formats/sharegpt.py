"""ShareGPT and its relatives: a list of turns by another name than messages, the speaker in `from` or `role`.

`{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}], "system", "tools"}`; also
`conversation`, `dialogue`, `turns`, `chat` with role and content, function_call and observation of
LLaMA-Factory. Source: FastChat and LLaMA-Factory, data formats. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading, said
from tunedrop.dataset.types import shorten

LISTS = ("conversations", "conversation", "dialogue", "dialog", "turns", "chat", "history", "chat_history")
_SPEAKERS = ("from", "role", "speaker", "author")
_TEXTS = ("value", "content", "text", "utterance", "message")


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a list of turns stands under one of the names; or messages whose speaker is in `from`."""
    return _list_of(record) is not None


def _list_of(record: Mapping[str, Any]) -> str | None:
    for key in (*LISTS, "messages"):
        value = record.get(key)
        if isinstance(value, list) and (key != "messages" or any(_is_from(one) for one in value)):
            return key
    return None


def _is_from(message: Any) -> bool:
    return isinstance(message, dict) and "role" not in message and ("from" in message or "speaker" in message)


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """A record; None where it is broken."""
    record = said(record)
    name = _list_of(record) or LISTS[0]
    messages = record.get(name)
    if not isinstance(messages, list) or not messages:
        reading.wrong_type(f"$.{name}", "a list of turns", messages)
        return None
    losses: list[str] = []
    extra: dict[str, Any] = {}
    if record.get("tools"):
        extra["toolConfig"] = tools.config(record["tools"], "$.tools", reading, losses)
    chat, calls = turns.Turns(reading), tools.Calls()
    for key in ("system", "system_prompt"):
        if isinstance(record.get(key), str):
            chat.note(record[key], f"$.{key}")
    for index, message in enumerate(messages):
        path = f"$.{name}[{index}]"
        if not isinstance(message, dict):
            reading.wrong_type(path, "an object with from and value", message)
            return None
        _message(said(message), path, chat, calls, reading, losses)
    ended = chat.end()
    if reading.problems:
        return None
    own = {name, "tools", "system", "system_prompt"}
    unread = {key: value for key, value in record.items() if key not in own and value != ""}
    return Conversation(
        ended, "\n".join(chat.system), extra, unread, tuple(losses), chat.system_path or "$.system"
    )


def _message(
    message: Mapping[str, Any],
    path: str,
    chat: turns.Turns,
    calls: tools.Calls,
    reading: Reading,
    losses: list[str],
) -> None:
    speaker = next((key for key in _SPEAKERS if isinstance(message.get(key), str)), "")
    text = next((key for key in _TEXTS if key in message), "")
    role = turns.ROLES.get(message[speaker].strip().lower()) if speaker else None
    if role is None:
        shown = shorten(message.get(speaker) if speaker else message)
        reading.add(
            f"{path}.{speaker or 'from'}",
            "TD023",
            f"{shown} is no role; expected human or gpt",
            shown,
            "human or gpt",
        )
        return
    where, value = f"{path}.{text or 'value'}", message.get(text) if text else None
    rest = {key: one for key, one in message.items() if key not in (speaker, text)}
    if role == turns.TOOL:
        chat.result(calls.result(value, None, None), where)
        losses += [f"{path}.{shorten(key)}" for key in rest]
        return
    blocks = (
        _calls(value, where, calls, reading)
        if role == turns.CALL
        else turns.parts(value, where, reading, losses)
    )
    if blocks is None:
        return
    if role == turns.SYSTEM:
        chat.note("\n".join(one.get("text", "") for one in blocks), where)
        losses += [f"{path}.{shorten(key)}" for key in rest]
        return
    chat.say(turns.ASSISTANT if role == turns.CALL else role, blocks, where, rest)


def _calls(value: Any, path: str, calls: tools.Calls, reading: Reading) -> list[dict[str, Any]] | None:
    """One call or several, as JSON in a string: {"name", "arguments"}."""
    said_ = tools.decoded(value) if isinstance(value, str) else value
    found = said_ if isinstance(said_, list) else [said_]
    blocks = []
    for one in found:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            reading.add(
                path, "TD026", f"a call is JSON with name and arguments, got {shorten(value)}", value, "name"
            )
            return None
        blocks.append(
            calls.use(one["name"], one.get("arguments", one.get("parameters")), None, path, reading)
        )
    return blocks

"""The Converse format, which Bedrock reads for most base models: `{"schemaVersion", "system", "messages"}`
with content blocks.

Source: Bedrock user guide, model-customization-prepare. Read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import turns
from tunedrop.dataset.formats.record import SCHEMA_VERSION, Conversation, Reading, Turn, said
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.types import shorten

NAME = "converse"
_OWN = frozenset({"schemaVersion", "system", "messages", "toolConfig"})
_MESSAGE = frozenset({"role", "content"})


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = said(record)
    version = record.get("schemaVersion")
    if version is not None and version != SCHEMA_VERSION:
        what = f"schemaVersion is {shorten(version)}; AWS's sources disagree, and all accept {SCHEMA_VERSION}"
        reading.add("$.schemaVersion", "TD013", what, version, SCHEMA_VERSION)
    warned = len(reading.problems)
    losses: list[str] = []
    system = _system(record.get("system"), reading, losses)
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        reading.wrong_type("$.messages", "a list of messages", messages)
        return None
    found: list[Turn] = []
    for index, message in enumerate(turns.with_assistant(messages, reading)):
        if not isinstance(message, dict):
            reading.wrong_type(f"$.messages[{index}]", "an object", message)
            return None
        turn = _turn(message, f"$.messages[{index}]", reading, losses)
        if turn is not None:
            found.append(turn)
    if len(reading.problems) == warned:
        turns.order(found, reading)
    if len(reading.problems) > warned:
        return None
    extra = {"toolConfig": record["toolConfig"]} if "toolConfig" in record else {}
    unread = {key: value for key, value in record.items() if key not in _OWN}
    if unread and "reference_answer" in unread:
        extra, unread = {**extra, **unread}, {}
    return Conversation(
        tuple(found),
        "\n".join(system),
        extra,
        unread,
        tuple(losses),
        "$.system",
        len(system),
        version is not None,
    )


def _system(system: Any, reading: Reading, losses: list[str]) -> list[str]:
    if system is None:
        return []
    if isinstance(system, list) and all(
        isinstance(one, dict) and isinstance(one.get("text"), str) for one in system
    ):
        for index, one in enumerate(system):
            losses += [f"$.system[{index}].{shorten(key)}" for key in one if key != "text" and one[key]]
        return [one["text"] for one in system if one["text"].strip()]
    reading.wrong_type("$.system", 'a list such as [{"text": "…"}]', system)
    return []


def _turn(message: dict[str, Any], path: str, reading: Reading, losses: list[str]) -> Turn | None:
    role = message.get("role")
    if role not in ("user", "assistant"):
        _stranger(f"{path}.role", role, reading)
    before = len(reading.problems)
    content = (
        [said(one) if isinstance(one, dict) else one for one in message.get("content") or []]
        if (isinstance(message.get("content"), list))
        else message.get("content")
    )
    for problem in blocks.content(content, role, path):
        if problem.code == "TD014":
            losses.append(problem.path)
        else:
            reading.problems.append(problem)
    if len(reading.problems) > before or not isinstance(content, list):
        return None
    texts = [block["text"] for block in content if "text" in block]
    text = texts[0] if len(texts) == 1 else "\n".join(texts)
    extra = (
        {key: one for key, one in said(message).items() if key not in _MESSAGE} if len(message) > 2 else {}
    )
    mixed = tuple(_bare(block) for block in content) if len(texts) != len(content) else ()
    return Turn(str(role), text, mixed, f"{path}.content", extra)


def _bare(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block without the keys that Bedrock does not read."""
    return {key: value for key, value in block.items() if key in blocks.KINDS}


def _stranger(path: str, role: Any, reading: Reading) -> None:
    if isinstance(role, str) and role.lower() in ("user", "assistant"):
        what = f"role is {shorten(role)}; write it in lower case: {role.lower()}"
    elif role in ("system", "developer"):
        what = (
            f"role is {role}; a system prompt goes before the conversation, in Converse under the key system"
        )
    elif role in ("tool", "function"):
        what = f"role is {role}; in Converse, tool results are toolResult blocks in a user message"
    else:
        what = f"role is {shorten(role)}; expected user or assistant"
    reading.add(path, "TD023", what, role, "user or assistant")


def write(conversation: Conversation) -> dict[str, Any]:
    """Write a conversation for Bedrock."""
    record: dict[str, Any] = {"schemaVersion": SCHEMA_VERSION}
    if conversation.system:
        record["system"] = [{"text": conversation.system}]
    if conversation.extra.get("toolConfig"):
        record["toolConfig"] = conversation.extra["toolConfig"]
    record["messages"] = [
        {"role": turn.role, "content": list(turn.blocks) or [{"text": turn.text}]}
        for turn in conversation.turns
    ]
    return record

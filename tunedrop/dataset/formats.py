"""The dataset formats: telling them apart, and reading each into one shape from which all others are written.

| format | a line is | where it comes from |
| --- | --- | --- |
| `prompt-completion` | `{"prompt", "completion"}` | Bedrock user guide, model-customization-prepare |
| `converse` | `{"schemaVersion", "system", "messages": [{"role", "content": [{"text"}]}]}` | the same |
| `openai-chat` | `{"messages": [{"role", "content": "..."}]}` | OpenAI, and Claude 3 on Bedrock |
| `alpaca` | `{"instruction", "input", "output"}` | accepted and converted |
| `text` | `{"input"}`, or `{"text"}`, which is converted | older Bedrock documentation |

Read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from tunedrop.catalog.model import Format
from tunedrop.contracts import Method

SourceFormat = Format | Literal["alpaca"]

SCHEMA_VERSION = "bedrock-conversation-2024"
"""What Llama's checker demands and Nova's takes (aws-samples/amazon-bedrock-samples, read 2026-11-23)."""


class Turn(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: str
    text: str


class Conversation(msgspec.Struct, frozen=True):
    """A record in the shape that all formats share. Plain text is one `text` turn of nobody."""

    turns: tuple[Turn, ...]
    system: str = ""


def detect(record: Mapping[str, Any]) -> SourceFormat | None:
    """The format of one record, by its keys; None when it is none of ours."""
    if "messages" in record:
        return "openai-chat" if _has_plain_content(record["messages"]) else "converse"
    if "prompt" in record or "completion" in record:
        return "prompt-completion"
    if "instruction" in record:
        return "alpaca"
    if "input" in record or "text" in record:
        return "text"
    return None


def method_of(format_: SourceFormat, conversation: Conversation) -> Method:
    """The method that a record is for."""
    if format_ == "text":
        return "continued-pretraining"
    if format_ in ("prompt-completion", "alpaca"):
        return "instruction"
    return "single-turn" if len(conversation.turns) <= 2 else "multi-turn"


def read(record: Mapping[str, Any], format_: SourceFormat) -> Conversation:
    """A record that has been checked, in the shared shape."""
    return _READERS[format_](record)


def write(conversation: Conversation, format_: Format) -> dict[str, Any]:
    """A conversation in the format that a base model wants.

    Raises
    ------
    ValueError
        When the format cannot say what the conversation says.
    """
    return _WRITERS[format_](conversation)


def _has_plain_content(messages: Any) -> bool:
    return isinstance(messages, list) and any(
        isinstance(message, dict)
        and (isinstance(message.get("content"), str) or message.get("role") == "system")
        for message in messages
    )


def _read_pair(record: Mapping[str, Any]) -> Conversation:
    return Conversation((Turn("user", record["prompt"]), Turn("assistant", record["completion"])))


def _read_alpaca(record: Mapping[str, Any]) -> Conversation:
    context = record.get("input") or ""
    prompt = f"{record['instruction']}\n\n{context}" if context else record["instruction"]
    return Conversation((Turn("user", prompt), Turn("assistant", record["output"])))


def _read_converse(record: Mapping[str, Any]) -> Conversation:
    return Conversation(
        tuple(Turn(message["role"], _text_of(message["content"])) for message in record["messages"]),
        "\n".join(block["text"] for block in record.get("system") or []),
    )


def _text_of(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(block["text"] for block in blocks if "text" in block)


def _read_chat(record: Mapping[str, Any]) -> Conversation:
    system = [message["content"] for message in record["messages"] if message["role"] == "system"]
    system += [record["system"]] if isinstance(record.get("system"), str) else []
    turns = [message for message in record["messages"] if message["role"] != "system"]
    return Conversation(
        tuple(Turn(message["role"], message["content"]) for message in turns), "\n".join(system)
    )


def _read_text(record: Mapping[str, Any]) -> Conversation:
    return Conversation((Turn("text", record.get("input", record.get("text", ""))),))


def _write_pair(conversation: Conversation) -> dict[str, Any]:
    if len(conversation.turns) != 2:
        raise ValueError(
            f"a conversation of {len(conversation.turns)} messages is not a prompt and its completion; "
            "choose a base model that takes conversations"
        )
    prompt = "\n\n".join(part for part in (conversation.system, conversation.turns[0].text) if part)
    return {"prompt": prompt, "completion": conversation.turns[1].text}


def _write_converse(conversation: Conversation) -> dict[str, Any]:
    record: dict[str, Any] = {"schemaVersion": SCHEMA_VERSION}
    if conversation.system:
        record["system"] = [{"text": conversation.system}]
    record["messages"] = [
        {"role": turn.role, "content": [{"text": turn.text}]} for turn in conversation.turns
    ]
    return record


def _write_chat(conversation: Conversation) -> dict[str, Any]:
    system = [{"role": "system", "content": conversation.system}] if conversation.system else []
    return {"messages": system + [{"role": one.role, "content": one.text} for one in conversation.turns]}


def _write_text(conversation: Conversation) -> dict[str, Any]:
    if conversation.turns[0].role != "text":
        raise ValueError(
            "a conversation is not unlabelled text; choose another method than continued-pretraining"
        )
    return {"input": conversation.turns[0].text}


_READERS: dict[SourceFormat, Callable[[Mapping[str, Any]], Conversation]] = {
    "prompt-completion": _read_pair,
    "converse": _read_converse,
    "openai-chat": _read_chat,
    "alpaca": _read_alpaca,
    "text": _read_text,
}

_WRITERS: dict[Format, Callable[[Conversation], dict[str, Any]]] = {
    "prompt-completion": _write_pair,
    "converse": _write_converse,
    "openai-chat": _write_chat,
    "text": _write_text,
}

"""The dataset formats: telling them apart, and reading each into one shape from which all others are written.

| format | a line is | where it comes from |
| --- | --- | --- |
| `prompt-completion` | `{"prompt", "completion"}` | Bedrock user guide, model-customization-prepare |
| `converse` | `{"schemaVersion", "system", "messages": [{"role", "content": [{"text"}]}]}` | the same |
| `openai-chat` | `{"messages": [{"role", "content": "..."}]}` | OpenAI, and Claude 3 on Bedrock |
| `alpaca` | `{"instruction", "input", "output"}` | accepted and converted |
| `text` | `{"input"}`, or `{"text"}`, which is converted | older Bedrock documentation |
| `image-caption` | `{"image-ref", "caption"}` | Nova user guide, fine-tune-prepare-data-creative-content |

A record for reinforcement fine-tuning is an `openai-chat` record with a `reference_answer`.

Read 2026-11-23 and 2026-11-25.
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
    """One message of a conversation; `blocks` are its Converse content where that is more than its text."""

    role: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()


class Conversation(msgspec.Struct, frozen=True):
    """A record in the shape that all formats share. Plain text is one `text` turn of nobody.

    `extra` are the keys beside the conversation that its format gives a meaning: a reference answer, tools.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    extra: dict[str, Any] = {}

    @property
    def asked(self) -> tuple[Turn, ...]:
        """What comes before the answer; all of it where there is none."""
        return self.turns[:-1] if self._is_answered else self.turns

    @property
    def answer(self) -> str:
        """What is to be learned: the last answer, or the reference that answers are graded by."""
        if self._is_answered:
            return self.turns[-1].text
        reference = self.extra.get("reference_answer", "")
        return reference if isinstance(reference, str) else msgspec.json.encode(reference).decode()

    @property
    def _is_answered(self) -> bool:
        return self.turns[-1].role in ("assistant", "text")


def detect(record: Mapping[str, Any]) -> SourceFormat | None:
    """The format of one record, by its keys; None when it is none of ours."""
    if is_preference(record):
        return None
    if "messages" in record:
        chat = "schemaVersion" not in record and _has_plain_content(record["messages"])
        return "openai-chat" if chat else "converse"
    if "prompt" in record or "completion" in record:
        return "prompt-completion"
    if "instruction" in record:
        return "alpaca"
    if "image-ref" in record:
        return "image-caption"
    if "input" in record or "text" in record:
        return "text"
    return None


def is_preference(record: Mapping[str, Any]) -> bool:
    """Whether a record says which of two answers is the better one, as DPO and its kin are trained on."""
    if "chosen" in record or "rejected" in record:
        return True
    messages = record.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and "candidates" in last


def method_of(format_: SourceFormat, conversation: Conversation) -> Method:
    """The method that a record is for."""
    if format_ == "text":
        return "continued-pretraining"
    if format_ == "image-caption":
        return "image-caption"
    if format_ in ("prompt-completion", "alpaca"):
        return "instruction"
    if "reference_answer" in conversation.extra:
        return "reinforcement"
    return "single-turn" if len(conversation.turns) <= 2 else "multi-turn"


def read(record: Mapping[str, Any], format_: SourceFormat) -> Conversation:
    """A record that has been checked, in the shared shape."""
    return _READERS[format_](record)


def write(conversation: Conversation, format_: SourceFormat) -> dict[str, Any]:
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
        tuple(_read_message(message) for message in record["messages"]),
        "\n".join(block["text"] for block in record.get("system") or []),
        {"toolConfig": record["toolConfig"]} if "toolConfig" in record else {},
    )


def _read_message(message: Mapping[str, Any]) -> Turn:
    blocks = message["content"]
    text = "\n".join(block["text"] for block in blocks if "text" in block)
    return Turn(message["role"], text, () if all("text" in block for block in blocks) else tuple(blocks))


def _read_chat(record: Mapping[str, Any]) -> Conversation:
    system = [message["content"] for message in record["messages"] if message["role"] == "system"]
    system += [record["system"]] if isinstance(record.get("system"), str) else []
    turns = [message for message in record["messages"] if message["role"] != "system"]
    graded = "reference_answer" in record
    return Conversation(
        tuple(Turn(message["role"], message["content"]) for message in turns),
        "\n".join(system),
        {key: value for key, value in record.items() if key not in ("messages", "system")} if graded else {},
    )


def _read_text(record: Mapping[str, Any]) -> Conversation:
    return Conversation((Turn("text", record.get("input", record.get("text", ""))),))


def _read_caption(record: Mapping[str, Any]) -> Conversation:
    return Conversation((Turn("user", record["image-ref"]), Turn("assistant", record["caption"])))


def _write_pair(conversation: Conversation) -> dict[str, Any]:
    turns = conversation.turns
    _refuse_plain_text(conversation)
    _refuse_blocks(conversation)
    if len(turns) != 2 or turns[-1].role != "assistant":
        raise ValueError(
            f"a conversation of {len(turns)} messages is not a prompt and its completion; "
            "choose a base model that takes conversations"
        )
    prompt = "\n\n".join(part for part in (conversation.system, turns[0].text) if part)
    return {"prompt": prompt, "completion": turns[1].text}


def _write_alpaca(conversation: Conversation) -> dict[str, Any]:
    pair = _write_pair(conversation)
    return {"instruction": pair["prompt"], "input": "", "output": pair["completion"]}


def _write_converse(conversation: Conversation) -> dict[str, Any]:
    _refuse_plain_text(conversation)
    record: dict[str, Any] = {"schemaVersion": SCHEMA_VERSION}
    if conversation.system:
        record["system"] = [{"text": conversation.system}]
    if "toolConfig" in conversation.extra:
        record["toolConfig"] = conversation.extra["toolConfig"]
    record["messages"] = [
        {"role": turn.role, "content": list(turn.blocks) or [{"text": turn.text}]}
        for turn in conversation.turns
    ]
    return record


def _write_chat(conversation: Conversation) -> dict[str, Any]:
    _refuse_plain_text(conversation)
    _refuse_blocks(conversation)
    system = [{"role": "system", "content": conversation.system}] if conversation.system else []
    messages = system + [{"role": one.role, "content": one.text} for one in conversation.turns]
    return {"messages": messages, **conversation.extra}


def _refuse_plain_text(conversation: Conversation) -> None:
    if conversation.turns[0].role == "text":
        raise ValueError("unlabelled text is no conversation; it is for continued-pretraining")


def _refuse_blocks(conversation: Conversation) -> None:
    if any(turn.blocks for turn in conversation.turns):
        raise ValueError("images, videos, reasoning and tools can only be written as Converse records")


def _write_text(conversation: Conversation) -> dict[str, Any]:
    if conversation.turns[0].role != "text":
        raise ValueError(
            "a conversation is not unlabelled text; choose another method than continued-pretraining"
        )
    return {"input": conversation.turns[0].text}


def _write_caption(conversation: Conversation) -> dict[str, Any]:
    image, caption = conversation.turns
    return {"image-ref": image.text, "caption": caption.text}


_READERS: dict[SourceFormat, Callable[[Mapping[str, Any]], Conversation]] = {
    "prompt-completion": _read_pair,
    "converse": _read_converse,
    "openai-chat": _read_chat,
    "alpaca": _read_alpaca,
    "text": _read_text,
    "image-caption": _read_caption,
}

_WRITERS: dict[SourceFormat, Callable[[Conversation], dict[str, Any]]] = {
    "prompt-completion": _write_pair,
    "converse": _write_converse,
    "openai-chat": _write_chat,
    "alpaca": _write_alpaca,
    "text": _write_text,
    "image-caption": _write_caption,
}

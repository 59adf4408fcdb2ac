"""OpenAI's chat format, which Bedrock also reads for reinforcement: `{"messages": [{"role", "content"}],
"tools"}`.

Content is a string or a list of parts, tool calls have their new or their old form, and `developer` means
`system`. A record that ends with the user and has further keys, for its grader, is for reinforcement
fine-tuning.

Sources: OpenAI API reference, chat completions; Bedrock user guide, rft-prepare-data. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop.dataset.formats import names, separate_parts, tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading, Turn, is_said_as_json, said
from tunedrop.dataset.types import shorten

NAME = "openai-chat"
_OWN = frozenset({"messages", "system", "tools", "functions"})
_MESSAGE = frozenset({"role", "content", "tool_calls", "function_call", "tool_call_id", "reasoning_content"})
_PATHS = tuple(f"$.messages[{index}].content" for index in range(64))


def fits(record: Mapping[str, Any]) -> bool:
    """The format of a record with `messages`, by its keys."""
    messages = record.get("messages")
    if not isinstance(messages, list) or "schemaVersion" in record or "toolConfig" in record:
        return False
    return not any(_is_converse(one) for one in messages)


def _is_converse(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and any(isinstance(one, dict) and "type" not in one for one in content)


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = said(record)
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        reading.wrong_type("$.messages", "a list of messages", messages)
        return None
    losses: list[str] = []
    extra: dict[str, Any] = {}
    for key in ("tools", "functions"):
        if key in record:
            extra["toolConfig"] = tools.config(record[key], f"$.{key}", reading, losses)
    chat, calls = turns.Turns(reading), tools.Calls()
    own = _OWN | _system(record, chat, reading)
    for index, message in enumerate(turns.with_assistant(messages, reading)):
        if not isinstance(message, dict):
            reading.wrong_type(f"$.messages[{index}]", "an object", message)
            return None
        path = _PATHS[index] if index < len(_PATHS) else f"$.messages[{index}].content"
        _message(said(message), path, chat, calls, reading, losses)
    ended = chat.end()
    if reading.problems:
        return None
    pictures = separate_parts.pictures(record)
    ended = turns.with_images(ended, record.get(pictures))
    own |= {pictures} if any(turn.blocks for turn in ended[:1]) else set()
    unread = {key: value for key, value in record.items() if key not in own}
    if isinstance(choices := unread.get("choices"), list) and len(choices) > 1 and ended[-1].role == "user":
        what = f"choices holds {len(choices)} answers; keep one, or write one record per answer"
        reading.add("$.choices", "TD012", what, choices, "one answer")
        return None
    if ended[-1].role == "user" and {key.rpartition(".")[2] for key in unread} - names.REQUESTS:
        extra, unread = {**extra, **_truth(unread), **unread}, {}
    return Conversation(
        ended, "\n".join(chat.system), extra, unread, tuple(losses), chat.system_path or "$.system"
    )


def _truth(beside_: Mapping[str, Any]) -> dict[str, Any]:
    """The reference answer in `reward_model` of verl and SageMaker AI's RLVR (developer guide,
    customizing-models-rft, read 2026-11-29)."""
    model = beside_.get("reward_model")
    if not isinstance(model, dict) or "ground_truth" not in model or "reference_answer" in beside_:
        return {}
    return {"reference_answer": model["ground_truth"]}


def _system(record: Mapping[str, Any], chat: turns.Turns, reading: Reading) -> set[str]:
    """The keys of system prompts next to the messages."""
    found = {key for key, one in record.items() if names.plain(key) in names.SYSTEMS and isinstance(one, str)}
    for key in sorted(found):
        chat.note(record[key], f"$.{key}")
    if "system" in record and "system" not in found:
        reading.wrong_type("$.system", "a string", record["system"])
    return found


def _message(
    message: Mapping[str, Any],
    path: str,
    chat: turns.Turns,
    calls: tools.Calls,
    reading: Reading,
    losses: list[str],
) -> None:
    role, at = message.get("role"), path.removesuffix(".content")
    kind = turns.ROLES.get(role) if isinstance(role, str) else None
    if kind is None or role not in ("user", "assistant", "system", "developer", "tool", "function"):
        _stranger(at, role, kind, reading)
        return
    content = message.get("content")
    if kind == turns.TOOL:
        losses += [f"{at}.{shorten(key)}" for key in message if key not in (*_MESSAGE, "name")]
        chat.result(calls.result(content, message.get("tool_call_id"), message.get("name")), path)
        return
    has_calls = bool(message.get("tool_calls") or message.get("function_call"))
    if content is None and not has_calls:
        if isinstance(message.get("refusal"), str):
            what = "content is null next to a refusal; write the answer, or remove the record"
            reading.add(path, "TD021", what, content, "some text")
        else:
            reading.wrong_type(path, "a string", content)
        return
    if kind == turns.ASSISTANT and is_said_as_json(content):
        reading.wrong_type(path, "a string or a list of parts", content, is_mended=True)
        return
    blocks = turns.parts(content, path, reading, losses)
    if blocks is None:
        return
    extra = message if len(message) > 2 else {}
    if kind == turns.SYSTEM:
        chat.note("\n".join(one.get("text", "") for one in blocks), path)
        losses += [f"{path}[{index}]" for index, one in enumerate(blocks) if "text" not in one]
        losses += [f"{at}.{shorten(key)}" for key in extra if key not in _MESSAGE]
        return
    if has_calls:
        blocks = [*blocks, *calls.of(message, at, reading, losses)]
    rest = {key: value for key, value in extra.items() if key not in _MESSAGE} if extra else {}
    if "reasoning_content" in extra:
        rest["reasoning_content"] = extra["reasoning_content"]
    chat.say(kind, blocks, path, rest)


def _stranger(path: str, role: Any, kind: str | None, reading: Reading) -> None:
    lower = role.lower() if isinstance(role, str) else ""
    if lower in ("user", "assistant", "system") and lower != role:
        what = f"role is {shorten(role)}; write it in lower case: {lower}"
    elif kind is not None:
        what = (
            f"role is {shorten(role)}; in OpenAI's chat format it is {kind}: tunedrop check --fix renames it"
        )
    else:
        what = f"role is {shorten(role)}; expected user or assistant"
    reading.add(f"{path}.role", "TD023", what, role, "user or assistant")


def write_messages(conversation: Conversation) -> dict[str, Any]:
    """A conversation without any other keys, as supervised tuning of open weights reads it (SageMaker AI
    developer guide, customizing-models-sft, read 2026-11-29)."""
    system = [{"role": "system", "content": conversation.system}] if conversation.system else []
    return {"messages": system + [{"role": one.role, "content": one.text} for one in conversation.turns]}


def write(conversation: Conversation) -> dict[str, Any]:
    """A conversation as a chat with its tools; `extra` and unread keys are included."""
    messages = [{"role": "system", "content": conversation.system}] if conversation.system else []
    messages += [message for turn in conversation.turns for message in _written(turn)]
    extra = {key: one for key, one in conversation.extra.items() if key != "toolConfig"}
    declared = conversation.extra.get("toolConfig")
    found = {"tools": tools.written(declared)} if declared else {}
    return {"messages": messages, **found, **extra, **conversation.unread}


def can_hold(turn: Turn) -> bool:
    """Whether a chat can express a turn completely; training data has no place for images and reasoning."""
    return all("text" in one or "toolUse" in one or "toolResult" in one for one in turn.blocks)


def _written(turn: Turn) -> Iterator[dict[str, Any]]:
    """The messages of a turn: one for each tool result, and one for the text."""
    calls = [tools.call(one["toolUse"]) for one in turn.blocks if "toolUse" in one]
    results = [tools.message(one["toolResult"]) for one in turn.blocks if "toolResult" in one]
    yield from results
    if turn.text or calls or not results:
        said_ = {"tool_calls": calls} if calls else {}
        yield {"role": turn.role, "content": turn.text or None, **said_, **turn.extra}

"""ShareGPT and similar formats: a list of turns under another key than `messages`, with the speaker in `from`
or `role`.

`{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}], "system", "tools"}`; also
`conversation`, `dialogue`, `turns`, `chat` with role and content, function_call and observation of
LLaMA-Factory. Source: FastChat and LLaMA-Factory, data formats. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop.dataset.formats import hermes, names, naming, pairs, separate_parts, tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading, said
from tunedrop.dataset.types import shorten

_SPEAKERS = ("from", "role", "speaker", "author", "sender", "type")
TEXTS = ("value", "content", "text", "utterance", "message")
_LISTS = frozenset(names.CONVERSATIONS)
SURE = names.CONVERSATIONS[:6]
"""Unmistakable names; the later ones count only if their values are turns."""


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record has a list of turns under one of these names, or messages in a form that no provider
    uses."""
    return _list_of(record) is not None


def _list_of(record: Mapping[str, Any]) -> str | None:
    has_messages = isinstance(record.get("messages"), list) and record["messages"] != []
    for key in names.CONVERSATIONS if not (has_messages or _LISTS.isdisjoint(record)) else ():
        value = record.get(key)
        if not isinstance(value, list) or (_are_lines(value, key) and _says_another(record, key)):
            continue
        if is_of_turns(value, key) or (key in SURE and not _is_pair(record)):
            return key
    messages = record.get("messages")
    return "messages" if isinstance(messages, list) and any(map(_is_foreign, messages)) else None


def _is_pair(record: Mapping[str, Any]) -> bool:
    return naming.keys_of(record).format is not None


def _are_lines(value: list[Any], key: str) -> bool:
    """Whether a value is a list of texts without speakers, under a name that is used for other lists too."""
    return key not in SURE and all(isinstance(one, str) for one in value)


def _says_another(record: Mapping[str, Any], key: str) -> bool:
    """Whether a record is not such a list but a pair (unless the list is the pair's history) or a plain
    text."""
    if _is_pair(record):
        return "history" not in key
    return any(name in record for name in names.DOCUMENTS)


def is_of_turns(value: list[Any], key: str) -> bool:
    """Whether a list consists of turns in any of the forms that `spread` reads."""
    if key == "data":  # UltraChat's; elsewhere, exports use this name for anything
        return len(value) > 1 and all(isinstance(one, str) and not one.startswith(_URLS) for one in value)
    if key == "items":  # from ShareGPT's first dump; elsewhere, anything counted
        return bool(value) and all(isinstance(one, dict) and turns.role_of(one.get("from")) for one in value)
    if all(isinstance(one, str) for one in value):
        return len(value) > 1 and key not in _LINES
    if "history" in key and all(isinstance(one, list) and len(one) == 2 for one in value):
        return bool(value)
    return bool(value) and all(
        isinstance(one, dict) and (_is_turn(one) or _asked(one) != "") for one in value
    )


_URLS = ("http://", "https://", "s3://")
_LINES = ("log", "interactions")
"""Names of lists whose texts are not alternating turns."""


def _is_turn(message: Mapping[str, Any]) -> bool:
    return any(isinstance(message.get(key), str) for key in _SPEAKERS)


def _is_foreign(message: Any) -> bool:
    """Whether a message has other keys than `role` and `content` for its speaker or its text."""
    if not isinstance(message, dict):
        return False
    if "role" in message:
        if message["role"] == "Chatbot":  # Cohere's, whose roles are System, User and Chatbot
            return True
        return "content" not in message and any(isinstance(message.get(key), str) for key in TEXTS)
    kind = message.get("type")
    return any(key in message for key in ("from", "speaker", "author", "sender")) or (
        isinstance(kind, str) and kind.lower() in turns.ROLES
    )


def _is_of_vertex(messages: list[Any]) -> bool:
    """Whether messages are chat-bison's, for which `context` is the system prompt."""
    return all(isinstance(one, dict) and {"author", "content"} <= one.keys() for one in messages)


def _asked(turn: Mapping[str, Any]) -> str:
    """The key of the question in a turn that is a question with its answer, such as {"human",
    "assistant"}."""
    keys = naming.keys_of(turn)
    return keys.prompt if keys.prompt and keys.answer and keys.format != "text-label" else ""


def spread(turns_: list[Any], path: str, losses: list[str]) -> Iterator[tuple[str, Any]]:
    """(path, message with `from` and `value`) of each turn, in any form."""
    for index, one in enumerate(turns_):
        where = f"{path}[{index}]"
        if isinstance(one, str):
            yield where, {"from": (turns.USER, turns.ASSISTANT)[index % 2], "value": one}
        elif isinstance(one, list) and len(one) == 2:
            yield where, {"from": turns.USER, "value": one[0]}
            yield where, {"from": turns.ASSISTANT, "value": one[1]}
        elif isinstance(one, dict) and not _is_turn(one) and _asked(one):
            yield from _question(one, where, losses)
        elif isinstance(one, dict) and isinstance(one.get("data"), dict):  # LangChain's
            yield where, {**{key: value for key, value in one.items() if key != "data"}, **one["data"]}
        else:
            yield where, one


def _question(pair: Mapping[str, Any], where: str, losses: list[str]) -> Iterator[tuple[str, Any]]:
    keys = naming.keys_of(pair)
    if keys.system and pair[keys.system]:
        yield where, {"from": turns.SYSTEM, "value": pair[keys.system]}
    asked = pair[keys.prompt]
    if keys.context and isinstance(pair[keys.context], str) and pair[keys.context].strip():
        asked = f"{asked}\n\n{pair[keys.context]}"
    yield where, {"from": turns.USER, "value": asked}
    yield where, {"from": turns.ASSISTANT, "value": pair[keys.answer]}
    used = (keys.system, keys.prompt, keys.context, keys.answer)
    losses += [f"{where}.{shorten(key)}" for key, one in pair.items() if key not in used and one]


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = said(record)
    name = _list_of(record) or names.CONVERSATIONS[0]
    messages = record.get(name)
    if not isinstance(messages, list) or not messages:
        reading.wrong_type(f"$.{name}", "a list of turns", messages)
        return None
    if name == "turns" and all(isinstance(one, str) for one in messages):
        reading.add("$.turns", "TD023", _ALL_ASK, messages, "messages with role and content")
        return None
    losses: list[str] = []
    extra: dict[str, Any] = {}
    declared = next((key for key in names.TOOLS if record.get(key)), "tools")
    own = {name, declared, *names.SYSTEMS}
    if record.get(declared):
        extra["toolConfig"] = tools.config(record[declared], f"$.{declared}", reading, losses)
    chat, calls = turns.Turns(reading), tools.Calls()
    for key in names.SYSTEMS:
        if isinstance(record.get(key), str):
            chat.note(record[key], f"$.{key}")
    if isinstance(context := record.get("context"), str) and _is_of_vertex(messages):
        chat.note(context, "$.context")
        own.add("context")
    given = list(spread(messages, f"$.{name}", losses))
    if "history" in name and (pair := _last(record)):  # Alpaca's: the earlier turns
        answer = naming.keys_of(pair).answer
        text = pairs.answer_of(pair, answer, reading)
        if text is None:
            return None
        pair = {**pair, answer: text}
        given += _question(pair, "$", [])
        own |= {*pair.keys(), *({"text"} if "text" in record and "message" in pair else ())}
    said_by = speaker_of(given[0][1])
    system = [one.get("value", one.get("content")) for _, one in given[:1] if isinstance(one, dict)]
    if "toolConfig" not in extra and (listed := hermes.definitions(system[0] if system else "")):
        extra["toolConfig"] = tools.config(listed, f"$.{name}[0]", reading, losses)
    least = 2 if said_by == "speaker" else 4  # a prompt has no speaker
    heard = turns.with_assistant([one for _, one in given], reading, said_by, least)
    for (path, _), message in zip(given, heard, strict=True):
        if not isinstance(message, dict):
            reading.wrong_type(path, "an object with from and value", message)
            return None
        _message(said(message), path, chat, calls, reading, losses)
    ended = chat.end()
    if reading.problems:
        return None
    pictures = separate_parts.pictures(record)
    ended = turns.with_images(ended, record.get(pictures))
    own |= {pictures} if any(turn.blocks for turn in ended[:1]) else set()
    unread = {key: value for key, value in record.items() if key not in own and value != ""}
    return Conversation(
        ended, "\n".join(chat.system), extra, unread, tuple(losses), chat.system_path or "$.system"
    )


_ALL_ASK = (
    "turns holds texts without their speakers, as MT-Bench's questions do, which no answer follows; write "
    "messages with role and content"
)


def _last(record: Mapping[str, Any]) -> dict[str, Any]:
    """The question and answer next to a history, without its system prompt."""
    if isinstance(record.get("message"), str) and isinstance(record.get("text"), str):  # Cohere's
        return {"message": record["message"], "response": record["text"]}
    keys = naming.keys_of(record)
    if not (keys.prompt and keys.answer):
        return {}
    return {key: record[key] for key in (keys.prompt, keys.context, keys.answer) if key and key in record}


def speaker_of(message: Any) -> str:
    """The key of the speaker; empty if there is none."""
    there = message if isinstance(message, dict) else {}
    return next((key for key in _SPEAKERS if isinstance(there.get(key), str)), "")


def _message(
    message: Mapping[str, Any],
    path: str,
    chat: turns.Turns,
    calls: tools.Calls,
    reading: Reading,
    losses: list[str],
) -> None:
    speaker = speaker_of(message)
    text = next((key for key in TEXTS if key in message), "")
    role = turns.role_of(message[speaker]) if speaker else None
    if role is None:
        shown = shorten(message.get(speaker) if speaker else message)
        reading.add(
            f"{path}.{speaker or 'from'}",
            "TD023",
            f"{shown} is not a role; expected human or gpt",
            shown,
            "human or gpt",
        )
        return
    where, value = f"{path}.{text or 'value'}", message.get(text) if text else None
    rest = {key: one for key, one in message.items() if key not in (speaker, text)}
    if role == turns.TOOL:
        for one in hermes.results(value) or [value]:
            chat.result(calls.result(one, None, None), where)
        losses += [f"{path}.{shorten(key)}" for key in rest]
        return
    blocks = (
        _calls(value, where, calls, reading, losses)
        if role == turns.CALL
        else _of_hermes(*written, where, calls, reading, losses)
        if role == turns.ASSISTANT and (written := hermes.parts(value)) is not None
        else turns.parts(value, where, reading, losses)
    )
    if blocks is None:
        return
    if role == turns.SYSTEM:
        chat.note("\n".join(one.get("text", "") for one in blocks), where)
        losses += [f"{where}[{index}]" for index, one in enumerate(blocks) if "text" not in one]
        losses += [f"{path}.{shorten(key)}" for key in rest]
        return
    chat.say(turns.ASSISTANT if role == turns.CALL else role, blocks, where, rest)


def _of_hermes(
    text: str, given: list[Any], path: str, calls: tools.Calls, reading: Reading, losses: list[str]
) -> list[dict[str, Any]] | None:
    """A text and the calls in it, as blocks."""
    blocks = _calls(given, path, calls, reading, losses)
    return blocks if blocks is None or not text else [{"text": text}, *blocks]


def _calls(
    value: Any, path: str, calls: tools.Calls, reading: Reading, losses: list[str]
) -> list[dict[str, Any]] | None:
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
            calls.use(one["name"], one.get("arguments", one.get("parameters")), one.get("id"), path, reading)
        )
        losses += [
            f"{path}.{shorten(key)}" for key in one if key not in ("name", "arguments", "parameters", "id")
        ]
    return blocks

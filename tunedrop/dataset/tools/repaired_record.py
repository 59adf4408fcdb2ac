"""Repairs one record to the form that Bedrock reads, and lists the repairs."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tunedrop.dataset import formats
from tunedrop.dataset.formats import SCHEMA_VERSION, turns, wrapped
from tunedrop.dataset.formats.record import is_said_as_json
from tunedrop.dataset.tools.paths import general
from tunedrop.dataset.types import shorten

Record = dict[str, Any]

_PAIRS = ("alpaca", "dolly", "question-answer", "text-label")
_CHATS = ("openai-chat", "sharegpt", "anthropic", "gemini")


def as_bedrock_has_it(record: Record) -> tuple[Record, list[str]]:
    """The record in the form that Bedrock reads, and the repairs, including all omissions."""
    record, changes = tidied(record)
    format_ = formats.detect(record)
    if format_ == "converse":
        if "schemaVersion" not in record:
            record = {"schemaVersion": SCHEMA_VERSION, **record}
            changes.append("schemaVersion was added")
        return record, changes
    target = "converse" if format_ in _CHATS else "prompt-completion" if format_ in _PAIRS else ""
    if format_ is None or not target:
        return record, changes
    conversation = formats.read_record(record, format_).conversation
    if conversation is None or formats.refusal(conversation, target):
        return record, changes
    if format_ == "openai-chat" and not conversation.is_answered:
        return (
            record,
            changes,
        )  # for reinforcement, where this is Bedrock's format, and so may be other keys
    losses = [f"{general(path)} was left out" for path in formats.losses(conversation, target)]
    changes.append(
        "the record was written as Converse"
        if target == "converse"
        else "the keys were renamed to prompt and completion"
    )
    return formats.write(conversation, target), changes + losses


def tidied(record: Record) -> tuple[Record, list[str]]:
    """A record with the roles and content blocks of its format, and the repairs."""
    changes: list[str] = []
    inside = formats.unwrapped(record)
    if inside is not record:
        is_beside = wrapped.unwrapped(record) is record
        record = dict(inside)
        changes.append(
            "texts next to the question and answer were added to them"
            if is_beside
            else "the record was extracted from the wrapper around it"
        )
    format_ = formats.detect(record)
    is_asked = isinstance(record.get("prompt"), str)
    if format_ == "prompt-completion" and is_asked and is_said_as_json(record.get("completion")):
        record = {**record, "completion": written(record["completion"]).decode()}
        changes.append("the completion was written as JSON text")
    if format_ in ("openai-chat", "anthropic", "converse") and isinstance(record["messages"], list):
        record = _usual_roles(record, changes)
        record = _texts(record, changes)
    if format_ == "converse":
        record = _blocks(record, changes)
    return record, changes


def _texts(record: Record, changes: list[str]) -> Record:
    """The record with answers that are objects or numbers as JSON text."""
    messages = record["messages"]
    given = [
        isinstance(one, dict) and one.get("role") == turns.ASSISTANT and is_said_as_json(one.get("content"))
        for one in messages
    ]
    if not any(given):
        return record
    changes.append("the content of the assistant was written as JSON text")
    said = [
        {**one, "content": written(one["content"]).decode()} if is_json else one
        for one, is_json in zip(messages, given, strict=True)
    ]
    return {**record, "messages": said}


def _usual_roles(record: Record, changes: list[str]) -> Record:
    messages = []
    given = record["messages"]
    roles = [one.get("role") if isinstance(one, dict) else None for one in given]
    answers = turns.system_answers(roles)
    other = turns.other_side(roles)
    for message in given:
        role = message.get("role") if isinstance(message, dict) else None
        usual = turns.role_of(role)
        usual = turns.ASSISTANT if answers and usual == turns.SYSTEM else usual
        if usual is None and isinstance(role, str):
            usual = other.get(role)
        if usual in (turns.USER, turns.ASSISTANT, turns.SYSTEM) and role not in (usual, "developer"):
            message = {**message, "role": usual}
            changes.append(f"the role {shorten(role)} became {usual}")
        messages.append(message)
    return {**record, "messages": messages}


def _blocks(record: Record, changes: list[str]) -> Record:
    """Convert strings to lists of content blocks, as Converse requires for messages and system prompt."""
    messages = record["messages"]
    if isinstance(record.get("system"), str):
        record = {**record, "system": [{"text": record["system"]}]}
        changes.append("the system prompt was converted to a content block")
    if not isinstance(messages, list):
        return record
    plain = [isinstance(one, dict) and isinstance(one.get("content"), str) for one in messages]
    if any(plain):
        changes.append("text content was converted to content blocks")
        record = {
            **record,
            "messages": [
                {**one, "content": [{"text": one["content"]}]} if is_plain else one
                for one, is_plain in zip(messages, plain, strict=True)
            ],
        }
    return record


def canonical(record: Record) -> bytes:
    """The same bytes for equal records, whatever the order of their keys."""
    try:
        return msgspec.json.encode(record, order="sorted")
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError):
        return json.dumps(record, sort_keys=True).encode()


def written(record: Record) -> bytes:
    """A record as a line of JSON."""
    try:
        return msgspec.json.encode(record)
    except (OverflowError, UnicodeEncodeError, msgspec.MsgspecError):
        return json.dumps(record).encode()

"""Records inside of records: the wrappers of tracing tools, batches and trainers.

| from | form |
| --- | --- |
| TRL, verl | `{"prompt": [messages], "completion": [messages]}`, the second missing for a grader |
| Langfuse, LangSmith | `{"input": …, "output": …}`, `{"inputs": {…}, "outputs": {…}}` |
| OpenAI, stored and batch | `{"request": {"messages"}, "response": {"choices"}}`, `{"body": {"messages"}}` |
| tables | `{"messages": "[…]"}`, JSON in a string |
| dataset viewers | `{"row": {…}}`, `{"data": {…}}`, `{"fields": {…}}` of Argilla |
| ChatGPT | `{"mapping": {id: {"message", "parent"}}}`, its newest branch |
| DynamoDB | `{"Item": {"prompt": {"S": "…"}}}` |
| Firestore | `{"fields": {"prompt": {"stringValue": "…"}}}` |
| CouchDB | `{"id", "key", "value", "doc": {…}}` |
| OpenAI's evals, stored | `{"input": [messages], "ideal"}`, `{"request": {"messages"}, "choices"}` |
| Bedrock's evaluation | `{"conversationTurns": [{"prompt", "referenceResponses": [{"content"}]}]}` |
| Self-Instruct | `{"instruction", "instances": [{"input", "output"}]}` |
| LangChain's runs | `{"inputs": {"messages": [[…]]}, "outputs": {"generations": [[…]]}}` |

The fields around the conversation stay in the record, under names such as `request.model`. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import (
    exchange,
    names,
    naming,
    preference,
    serialized,
    tools,
    turns,
    wrapper_fields,
)

_AROUND = (
    "row", "data", "record", "example", "fields", "item", "conversation", "chat", "dialogue", "dialog",
    "_source", "payload", "sample", "entry", "attributes", "json", "node",
    "doc", "inputRecord",
)  # fmt: skip
_HOLDERS = frozenset(
    ("mapping", "Item", "conversationTurns", "instances", *_AROUND, *exchange.ASKED, *exchange.SAID)
)
"""Keys whose list or object may be the inner record, or a part of it."""


def unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record inside a wrapper, with the fields around it; the same record if it is not a wrapper."""
    if isinstance(given := record.get("messages"), list):
        chat = serialized.as_chat(given)
        return exchange.answered(record if chat is given else {**record, "messages": chat})
    for key in ("messages", "contents", *names.CONVERSATIONS):
        value = record.get(key)
        if isinstance(value, str) and value.lstrip().startswith("[") and (found := _decoded(value)):
            return {**record, key: found}
        if isinstance(value, dict) and (rows := _rows(value)):
            return {**record, key: rows}
    record = _opened(record)
    if messages := _in_a_text(record):
        return {**wrapper_fields.without(record, *names.DOCUMENTS), "messages": messages}
    nested = [key for key, value in record.items() if type(value) in (dict, list)]
    if not nested or "schemaType" in record:
        return record
    if _HOLDERS.isdisjoint(nested) and not serialized.is_of_dynamodb(record):
        return record  # lists of tags and the like
    if isinstance(record.get("mapping"), dict) and (tree := serialized.branch(record["mapping"], record)):
        return {**wrapper_fields.without(record, "mapping", "current_node"), **tree}
    if isinstance(record.get("Item"), dict) and (item := serialized.of_dynamodb({"M": record["Item"]})):
        return wrapper_fields.beneath(record, "Item", item)
    if isinstance(record.get("fields"), dict) and serialized.is_of_firestore(record["fields"]):
        return wrapper_fields.beneath(record, "fields", serialized.of_firestore({"mapValue": record}))
    if serialized.is_of_dynamodb(record):
        return dict(serialized.of_dynamodb({"M": record}))
    if messages := serialized.of_evaluation(record.get("conversationTurns")):
        return {**wrapper_fields.without(record, "conversationTurns"), "messages": messages}
    instances = record.get("instances")
    if isinstance(instances, list) and len(instances) == 1 and isinstance(instances[0], dict):
        return wrapper_fields.renamed(record, "instances", instances[0].keys()) | instances[0]
    for key in _AROUND:
        inside = record.get(key)
        if isinstance(inside, dict) and (
            any(isinstance(inside.get(one), list) for one in ("messages", *names.CONVERSATIONS))
            or naming.keys_of(inside).format is not None
            or preference.fits(inside)
        ):
            return wrapper_fields.beneath(record, key, inside)
    return exchange.conversation(record)


_SPOKEN = frozenset(("content", "value", "text", "utterance"))


def _rows(columns: Mapping[str, Any]) -> list[Any]:
    """The turns of parallel lists, as Hugging Face stores a sequence of features; empty for anything else."""
    values = list(columns.values())
    if _SPOKEN.isdisjoint(columns) or not all(
        isinstance(one, list) and len(one) == len(values[0]) for one in values
    ):
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _decoded(text: str) -> list[Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return found if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _opened(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with its strings of JSON messages decoded, as in tables of tracing tools."""
    found = {}
    for key in (*exchange.ASKED, *exchange.SAID):
        value = record.get(key)
        if isinstance(value, str) and looks_like_messages(value):
            try:
                inside = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError, ValueError):
                continue
            if exchange.messages_of(inside) or exchange.is_message(inside) or _holds_an_answer(inside):
                found[key] = inside
    return {**record, **found} if found else record


def _holds_an_answer(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("choices", "generations"))


def _in_a_text(record: Mapping[str, Any]) -> list[Any]:
    """The messages in a string of JSON that has no answer next to it; empty for anything else."""
    key = next((one for one in names.DOCUMENTS if one in record), "")
    text = record.get(key)
    if not isinstance(text, str) or not looks_like_messages(text):
        return []
    found = exchange.messages_of(tools.decoded(text))
    are_said = all(turns.role_of(one["role"]) and "content" in one for one in found)
    return found if are_said and naming.keys_of(record).format is None and "role" not in record else []


def looks_like_messages(text: str) -> bool:
    """Whether a string may be messages in JSON."""
    return text[:1] in ("{", "[") and any(one in text for one in ('"role"', '"messages"', '"generations"'))

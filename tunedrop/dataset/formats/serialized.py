"""Conversations in other serializations: ChatGPT's tree, typed values of DynamoDB and Firestore, LangChain's
objects, and the turns of Bedrock's evaluation datasets. `wrapped` finds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.dataset.formats import turns


def branch(mapping: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The branch of ChatGPT's tree that ends with its newest message; and the number of messages on other
    branches."""
    ends = [key for key, node in mapping.items() if isinstance(node, dict) and not node.get("children")]
    key = record.get("current_node") or (ends[-1] if ends else None)
    nodes: list[Any] = []
    while isinstance(key, str) and isinstance(mapping.get(key), dict) and len(nodes) <= len(mapping):
        nodes.append(mapping[key].get("message"))
        key = mapping[key].get("parent")
    messages = [found for node in reversed(nodes) if (found := _of_chatgpt(node)) is not None]
    aside = sum(isinstance(node, dict) and bool(node.get("message")) for node in mapping.values()) - len(
        [node for node in nodes if node]
    )
    return {"messages": messages, **({"other answers": aside} if aside > 0 else {})} if messages else None


def _of_chatgpt(message: Any) -> dict[str, Any] | None:
    """A message in OpenAI's format; None for one without content, such as the root."""
    author = message.get("author") if isinstance(message, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(author, dict) or not isinstance(content, dict):
        return None
    parts = content.get("parts")
    if not isinstance(parts, list) or not any(parts):
        return None
    text = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts
    return {"role": author.get("role"), "content": text}


_OF_DYNAMODB = frozenset(("S", "N", "BOOL", "NULL", "M", "L", "SS", "NS", "B", "BS"))


def is_of_dynamodb(record: Mapping[str, Any]) -> bool:
    """Whether each value has a DynamoDB type, as in the items of a scan or query."""
    return _have_types(record, _OF_DYNAMODB)


def _have_types(values: Mapping[str, Any], types: frozenset[str]) -> bool:
    """Whether each value is an object with a single key, the name of its type."""
    return bool(values) and all(
        isinstance(one, dict) and len(one) == 1 and not types.isdisjoint(one) for one in values.values()
    )


def of_dynamodb(value: Any) -> Any:
    """The value of DynamoDB's JSON, such as {"S": "…"}; other values unchanged."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inside),) = value.items()
    if kind == "M" and isinstance(inside, dict):
        return {key: of_dynamodb(one) for key, one in inside.items()}
    if kind == "L" and isinstance(inside, list):
        return [of_dynamodb(one) for one in inside]
    if kind == "NULL":
        return None
    return inside if kind in ("S", "N", "BOOL", "SS", "NS") else value


_VALUES = ("stringValue", "integerValue", "doubleValue", "booleanValue", "timestampValue")
_OF_FIRESTORE = frozenset((*_VALUES, "nullValue", "arrayValue", "mapValue"))


def is_of_firestore(fields: Mapping[str, Any]) -> bool:
    """Whether each value has a type as in Firestore's documents, such as {"stringValue": "…"}."""
    return _have_types(fields, _OF_FIRESTORE)


def of_firestore(value: Any) -> Any:
    """The value of Firestore's JSON; other values unchanged."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inside),) = value.items()
    if kind == "mapValue" and isinstance(inside, dict):
        return {key: of_firestore(one) for key, one in (inside.get("fields") or {}).items()}
    if kind == "arrayValue" and isinstance(inside, dict):
        return [of_firestore(one) for one in inside.get("values") or []]
    if kind == "nullValue":
        return None
    return inside if kind in _VALUES else value


def as_chat(messages: list[Any]) -> list[Any]:
    """Messages with role and content, from the nested objects of Strands or the forms of LangChain, the AI
    SDK and LlamaIndex; others unchanged."""
    calls = any(isinstance(one, dict) and one.get("tool_calls") for one in messages)
    found = [_as_chat(one, calls) for one in messages]
    return messages if all(one is other for one, other in zip(found, messages, strict=True)) else found


def _as_chat(message: Any, has_calls: bool) -> Any:
    inside = message.get("message") if isinstance(message, dict) else None
    if isinstance(inside, dict) and isinstance(inside.get("role"), str) and "role" not in message:
        return {**{key: one for key, one in message.items() if key != "message"}, **inside}
    if is_of_langchain(message) and (has_calls or "kwargs" in message):
        return of_langchain(message)
    if not isinstance(message, dict) or not isinstance(message.get("role"), str) or message.get("content"):
        return message
    key = next((one for one in ("parts", "blocks") if _are_parts(message.get(one))), "")
    if not key:
        return message
    said = [one for one in message[key] if one != {"type": "step-start"}]  # without content
    return {**{one: value for one, value in message.items() if one != key}, "content": said}


def _are_parts(value: Any) -> bool:
    """Whether a list contains message parts with a type."""
    kinds = ("type", "block_type")
    return isinstance(value, list) and all(
        isinstance(one, dict) and any(isinstance(one.get(kind), str) for kind in kinds) for one in value
    )


_TYPES = ("human", "ai", "system", "tool", "function")


def is_of_langchain(value: Any) -> bool:
    """Whether a message is a serialized LangChain object."""
    if _is_typed(value):
        return True
    inside = value.get("kwargs") if isinstance(value, dict) else None
    return (
        isinstance(inside, dict)
        and isinstance(value.get("id"), list)
        and bool(value["id"])
        and "content" in inside
    )


def _is_typed(value: Any) -> bool:
    """Whether a message has a type in place of a role: {"type": "human", "content"}, or with the content
    under `data`."""
    if not isinstance(value, dict) or "role" in value or value.get("type") not in _TYPES:
        return False
    data = value.get("data")
    return "content" in value or (isinstance(data, dict) and "content" in data)


def of_langchain(value: Any) -> Any:
    """Such a message with its role; others unchanged."""
    if not is_of_langchain(value):
        return value
    if _is_typed(value):
        inside = value["data"] if "content" not in value else value
        around = {key: one for key, one in (value | inside).items() if key not in ("data", "type")}
        return {**around, "role": turns.ROLES[value["type"]]}
    name = str(value["id"][-1]).removesuffix("Chunk").removesuffix("Message").lower()
    inside = value["kwargs"]
    around = {key: one for key, one in inside.items() if key not in ("content", "type")}
    around |= {key: one for key, one in value.items() if key not in ("lc", "type", "id", "kwargs")}
    role = str(inside.get("type") or name)
    return {"role": turns.ROLES.get(role.lower(), role), "content": inside["content"], **around}


def of_gemini(turn: Any) -> Any:
    """A turn of Gemini with role and content; other values unchanged, so that their reader reports them."""
    if not isinstance(turn, dict):
        return turn
    rest = {key: one for key, one in turn.items() if key not in ("role", "parts")}
    role = turn.get("role", turns.USER)
    return {"role": turns.role_of(role) or role, "content": parts_of_gemini(turn), **rest}


def parts_of_gemini(turn: Mapping[str, Any]) -> Any:
    """The text of a turn of Gemini, or its parts if they are not a single text."""
    parts = turn.get("parts")
    parts = [parts] if isinstance(parts, dict) else parts
    only = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    return only["text"] if isinstance(only, dict) and only.keys() == {"text"} else parts


def of_evaluation(given: Any) -> list[Any]:
    """The messages of Bedrock's evaluation datasets; empty if a turn does not have exactly one reference."""
    messages: list[Any] = []
    for turn in given if isinstance(given, list) else ():
        references = turn.get("referenceResponses") if isinstance(turn, dict) else None
        asked = turn.get("prompt") if isinstance(turn, dict) else None
        if not isinstance(references, list) or len(references) != 1:
            return []
        around = {key: one for key, one in turn.items() if key not in ("prompt", "referenceResponses")}
        for role, one in (("user", asked), ("assistant", references[0])):
            if not isinstance(one, dict) or not isinstance(one.get("content"), list):
                return []
            messages.append({**one, **around, "role": role})
            around = {}
    return messages

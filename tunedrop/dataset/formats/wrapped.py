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

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import around, names, naming, preference, responses, serialized, tools, turns

_ASKED = ("request", "input", "inputs", "body", "prompt", "params", "request_body")
_SAID = ("response", "output", "outputs", "completion", "reference_output", "response_body", "ideal")
_AROUND = (
    "row", "data", "record", "example", "fields", "item", "conversation", "chat", "dialogue", "dialog",
    "_source", "payload", "sample", "entry", "attributes", "json", "node",
    "doc", "inputRecord",
)  # fmt: skip
_HOLDERS = frozenset(("mapping", "Item", "conversationTurns", "instances", *_AROUND, *_ASKED, *_SAID))
"""Keys whose list or object may be the inner record, or a part of it."""


def unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record inside a wrapper, with the fields around it; the same record if it is not a wrapper."""
    if isinstance(given := record.get("messages"), list):
        chat = serialized.as_chat(given)
        return _answered(record if chat is given else {**record, "messages": chat})
    for key in ("messages", "contents", *names.CONVERSATIONS):
        value = record.get(key)
        if isinstance(value, str) and value.lstrip().startswith("[") and (found := _decoded(value)):
            return {**record, key: found}
        if isinstance(value, dict) and (rows := _rows(value)):
            return {**record, key: rows}
    record = _opened(record)
    if messages := _in_a_text(record):
        return {**around.without(record, *names.DOCUMENTS), "messages": messages}
    nested = [key for key, value in record.items() if type(value) in (dict, list)]
    if not nested or "schemaType" in record:
        return record
    if _HOLDERS.isdisjoint(nested) and not serialized.is_of_dynamodb(record):
        return record  # lists of tags and the like
    if isinstance(record.get("mapping"), dict) and (tree := serialized.branch(record["mapping"], record)):
        return {**around.without(record, "mapping", "current_node"), **tree}
    if isinstance(record.get("Item"), dict) and (item := serialized.of_dynamodb({"M": record["Item"]})):
        return around.beneath(record, "Item", item)
    if isinstance(record.get("fields"), dict) and serialized.is_of_firestore(record["fields"]):
        return around.beneath(record, "fields", serialized.of_firestore({"mapValue": record}))
    if serialized.is_of_dynamodb(record):
        return dict(serialized.of_dynamodb({"M": record}))
    if messages := serialized.of_evaluation(record.get("conversationTurns")):
        return {**around.without(record, "conversationTurns"), "messages": messages}
    instances = record.get("instances")
    if isinstance(instances, list) and len(instances) == 1 and isinstance(instances[0], dict):
        return around.renamed(record, "instances", instances[0].keys()) | instances[0]
    for key in _AROUND:
        inside = record.get(key)
        if isinstance(inside, dict) and (
            any(isinstance(inside.get(one), list) for one in ("messages", *names.CONVERSATIONS))
            or naming.keys_of(inside).format is not None
            or preference.fits(inside)
        ):
            return around.beneath(record, key, inside)
    return _exchange(record)


def _first_of(keys: Iterable[str], record: Mapping[str, Any]) -> str:
    """The first of these keys that has a value in the record; empty if none has."""
    return next((key for key in keys if record.get(key) not in (None, "", [], {})), "")


def _of_gemini(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A request to Gemini and its response as `contents`; None for other records."""
    asked = next(
        (key for key in _ASKED if isinstance(record.get(key), dict) and "contents" in record[key]), ""
    )
    if not asked or not isinstance(record[asked]["contents"], list):
        return None
    said = _first_of(_SAID, record)
    contents, rest = record[asked]["contents"], around.without(record, asked)
    match record.get(said):
        case {"candidates": [{"content": dict(content)}]}:
            contents = [*contents, content]
            rest = {**around.without(rest, said), **around.beside(said, record[said])}
        case str(text):
            contents = [*contents, {"role": "model", "parts": [{"text": text}]}]
            rest = around.without(rest, said)
    return {"contents": contents, **rest, **around.beside(asked, record[asked])}


_SPOKEN = frozenset(("content", "value", "text", "utterance"))


_ANSWERS = ("completion", "response", "output", "choices", "ideal", "output_message", "response_message")
"""Keys of an answer to the messages in the same record; other keys may be references for a grader."""


def _answered(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the answer next to its messages as the last message; unchanged if there is none."""
    messages = record["messages"]
    said = _first_of(_ANSWERS, record)
    if not said or _is_graded(record, said) or not all(map(_is_message, messages)):
        return record
    answer = _answer({"choices": record[said]} if said == "choices" else record[said])
    if not messages or turns.ROLES.get(messages[-1]["role"].lower()) != turns.USER or not answer:
        return record
    if isinstance(blocks := messages[-1].get("content"), list):
        kind = {"type": "text"} if any(isinstance(one, dict) and "type" in one for one in blocks) else {}
        answer = [
            {**one, "content": [{**kind, "text": one["content"]}]}
            if isinstance(one.get("content"), str)
            else one
            for one in answer
        ]
    rest = around.beside(said, {"choices": record[said]}) if said == "choices" else {}
    return {**around.without(record, said), "messages": [*messages, *answer], **rest}


def _is_graded(record: Mapping[str, Any], said: str) -> bool:
    """Whether a record has a reference too: then the answer is a model's output, not the correct one."""
    references = ("reference_answer", "reward_model", *names.REFERENCES)
    return _first_of([key for key in references if key != said], record) != ""


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


def _exchange(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with a request and a response under two keys, as a conversation."""
    if spoken := _of_gemini(record):
        return spoken
    asked = next((key for key in _ASKED if _messages(record.get(key))), "")
    said = _first_of((*_SAID, "result") if asked == "params" else _SAID, record)  # of Anthropic's batches
    if asked and not said and isinstance(record.get("choices"), list):
        record, said = (
            {**around.without(record, "choices"), "response": {"choices": record["choices"]}},
            "response",
        )
    if asked:
        rest = around.without(record, asked)
        messages = list(_messages(record[asked]))
        rest |= around.beside(asked, record[asked])
        messages = _instructions(rest) + messages
        if said and not _is_graded(record, said):
            answer = _answer(record[said])
            if answer is None:
                return record
            messages += answer
            rest = {**around.without(rest, said), **around.beside(said, record[said])}
        return {"messages": messages, **rest}
    if said and isinstance(record[said], list | dict) and (spoken := _prompted(record, said)):
        return spoken
    for one, other in _SIDES:
        if isinstance(record.get(one), dict) and isinstance(record.get(other), dict | str):
            return _sides(record, one, other)
    return record


def _sides(record: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any]:
    """A request that is an object, and a response that is an object or a text, merged into one record. Keys
    that both have are renamed."""
    asked, said = record[one], record[other]
    said = {other: said} if isinstance(said, str) else said
    both = asked.keys() & said.keys()
    named = {f"{one}.{key}" if key in both else key: value for key, value in asked.items()}
    named |= {f"{other}.{key}" if key in both else key: value for key, value in said.items()}
    found = around.beneath(around.without(record, other), one, named)
    keys, texts = naming.keys_of(found), [key for key in both if isinstance(asked[key], str)]
    if keys.prompt and keys.answer:
        return found
    if isinstance(record[other], str):
        return record
    if len(texts) != 1 or not isinstance(said[texts[0]], str):
        return found
    rest = around.without(found, f"{one}.{texts[0]}", f"{other}.{texts[0]}")
    return {"prompt": asked[texts[0]], "completion": said[texts[0]], **rest}


_SIDES = (
    ("inputs", "outputs"),
    ("inputs", "output"),
    ("input", "output"),
    ("input", "expectedOutput"),
    ("input", "expected_output"),
    ("inputs", "expectations"),
)


def _prompted(record: Mapping[str, Any], said: str) -> Mapping[str, Any] | None:
    """A record whose prompt is a text and whose answer consists of messages."""
    asked = next((key for key in _ASKED if isinstance(record.get(key), str)), "")
    answer = _answer(record[said])
    named = naming.keys_of(record).prompt  # an instruction next to its input is the prompt
    if not asked or not answer or (named and named != asked):
        return None
    rest = around.without(record, asked, said)
    messages = [*_instructions(rest), {"role": "user", "content": record[asked]}, *answer]
    return {"messages": messages, **rest, **around.beside(said, record[said])}


def _instructions(rest: dict[str, Any]) -> list[Any]:
    """Take the system prompt out of the `instructions` of OpenAI's responses."""
    if not isinstance(system := rest.get("instructions"), str) or not system:
        return []
    del rest["instructions"]
    return [{"role": "system", "content": system}]


def _opened(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with its strings of JSON messages decoded, as in tables of tracing tools."""
    found = {}
    for key in (*_ASKED, *_SAID):
        value = record.get(key)
        if isinstance(value, str) and looks_like_messages(value):
            try:
                inside = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError, ValueError):
                continue
            if _messages(inside) or _is_message(inside) or _holds_an_answer(inside):
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
    found = _messages(tools.decoded(text))
    are_said = all(turns.role_of(one["role"]) and "content" in one for one in found)
    return found if are_said and naming.keys_of(record).format is None and "role" not in record else []


def looks_like_messages(text: str) -> bool:
    """Whether a string may be messages in JSON."""
    return text[:1] in ("{", "[") and any(one in text for one in ('"role"', '"messages"', '"generations"'))


def _messages(value: Any) -> list[Any]:
    """The messages of a request; empty if it is not a chat."""
    found = value
    if isinstance(value, dict):
        if "messages" not in value and isinstance(value.get("body"), dict):
            return _messages(value["body"])
        found = value.get("messages")
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):  # a batch of one
        found = found[0]
    if isinstance(found, list) and any(map(serialized.is_of_langchain, found)):
        found = [serialized.of_langchain(one) for one in found]
    if isinstance(found, list) and responses.are_items(found):
        found = responses.messages(found)
    return found if isinstance(found, list) and found and all(map(_is_message, found)) else []


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _answer(value: Any) -> list[Any] | None:
    """The messages of a response; None if it is something else."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        return [{"role": "assistant", "content": value}]
    if found := _messages(value):
        return found
    if not isinstance(value, dict):
        return None
    if _is_message(value):
        return [value]
    for key in ("body", "message", "output"):
        if isinstance(value.get(key), dict) and (inside := _answer(value[key])):
            return inside
    generations = value.get("generations")
    if isinstance(generations, list) and len(generations) == 1 and isinstance(generations[0], list):
        generations = generations[0]
    if isinstance(generations, list) and len(generations) == 1 and isinstance(generations[0], dict):
        message, text = generations[0].get("message"), generations[0].get("text")
        if serialized.is_of_langchain(message):
            return [serialized.of_langchain(message)]
        return [{"role": "assistant", "content": text}] if isinstance(text, str) else None
    choices = value.get("choices")
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        return [choices[0]["message"]] if _is_message(choices[0].get("message")) else None
    if isinstance(value.get("content"), str):
        return [{"role": "assistant", "content": value["content"]}]
    return None

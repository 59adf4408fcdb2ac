"""Requests and responses: a record with both becomes one conversation.

A request has the messages, and a response, next to it or next to its messages, has the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tunedrop.dataset.formats import names, naming, responses, serialized, turns, wrapper_fields

ASKED = ("request", "input", "inputs", "body", "prompt", "params", "request_body")
"""Keys of a request."""
SAID = ("response", "output", "outputs", "completion", "reference_output", "response_body", "ideal")
"""Keys of a response."""
_ANSWERS = ("completion", "response", "output", "choices", "ideal", "output_message", "response_message")
"""Keys of an answer to the messages in the same record; other keys may be references for a grader."""
_SIDES = (
    ("inputs", "outputs"),
    ("inputs", "output"),
    ("input", "output"),
    ("input", "expectedOutput"),
    ("input", "expected_output"),
    ("inputs", "expectations"),
)
"""Pairs of keys whose objects together are one record."""


def answered(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the answer next to its messages as the last message; unchanged if there is none."""
    messages = record["messages"]
    said = _first_of(_ANSWERS, record)
    if not said or _is_graded(record, said) or not all(map(is_message, messages)):
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
    rest = wrapper_fields.beside(said, {"choices": record[said]}) if said == "choices" else {}
    return {**wrapper_fields.without(record, said), "messages": [*messages, *answer], **rest}


def conversation(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with a request and a response under two keys as a conversation; other records unchanged."""
    if spoken := _of_gemini(record):
        return spoken
    asked = next((key for key in ASKED if messages_of(record.get(key))), "")
    said = _first_of((*SAID, "result") if asked == "params" else SAID, record)  # of Anthropic's batches
    if asked and not said and isinstance(record.get("choices"), list):
        record, said = (
            {**wrapper_fields.without(record, "choices"), "response": {"choices": record["choices"]}},
            "response",
        )
    if asked:
        rest = wrapper_fields.without(record, asked)
        messages = list(messages_of(record[asked]))
        rest |= wrapper_fields.beside(asked, record[asked])
        messages = _instructions(rest) + messages
        if said and not _is_graded(record, said):
            answer = _answer(record[said])
            if answer is None:
                return record
            messages += answer
            rest = {**wrapper_fields.without(rest, said), **wrapper_fields.beside(said, record[said])}
        return {"messages": messages, **rest}
    if said and isinstance(record[said], list | dict) and (spoken := _prompted(record, said)):
        return spoken
    for one, other in _SIDES:
        if isinstance(record.get(one), dict) and isinstance(record.get(other), dict | str):
            return _sides(record, one, other)
    return record


def _of_gemini(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A request to Gemini and its response as `contents`; None for other records."""
    asked = next(
        (key for key in ASKED if isinstance(record.get(key), dict) and "contents" in record[key]), ""
    )
    if not asked or not isinstance(record[asked]["contents"], list):
        return None
    said = _first_of(SAID, record)
    contents, rest = record[asked]["contents"], wrapper_fields.without(record, asked)
    match record.get(said):
        case {"candidates": [{"content": dict(content)}]}:
            contents = [*contents, content]
            rest = {**wrapper_fields.without(rest, said), **wrapper_fields.beside(said, record[said])}
        case str(text):
            contents = [*contents, {"role": "model", "parts": [{"text": text}]}]
            rest = wrapper_fields.without(rest, said)
    return {"contents": contents, **rest, **wrapper_fields.beside(asked, record[asked])}


def _sides(record: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any]:
    """A request that is an object, and a response that is an object or a text, merged into one record. Keys
    that both have are renamed."""
    asked, said = record[one], record[other]
    said = {other: said} if isinstance(said, str) else said
    both = asked.keys() & said.keys()
    named = {f"{one}.{key}" if key in both else key: value for key, value in asked.items()}
    named |= {f"{other}.{key}" if key in both else key: value for key, value in said.items()}
    found = wrapper_fields.beneath(wrapper_fields.without(record, other), one, named)
    keys, texts = naming.keys_of(found), [key for key in both if isinstance(asked[key], str)]
    if keys.prompt and keys.answer:
        return found
    if isinstance(record[other], str):
        return record
    if len(texts) != 1 or not isinstance(said[texts[0]], str):
        return found
    rest = wrapper_fields.without(found, f"{one}.{texts[0]}", f"{other}.{texts[0]}")
    return {"prompt": asked[texts[0]], "completion": said[texts[0]], **rest}


def _prompted(record: Mapping[str, Any], said: str) -> Mapping[str, Any] | None:
    """A record whose prompt is a text and whose answer consists of messages."""
    asked = next((key for key in ASKED if isinstance(record.get(key), str)), "")
    answer = _answer(record[said])
    named = naming.keys_of(record).prompt  # an instruction next to its input is the prompt
    if not asked or not answer or (named and named != asked):
        return None
    rest = wrapper_fields.without(record, asked, said)
    messages = [*_instructions(rest), {"role": "user", "content": record[asked]}, *answer]
    return {"messages": messages, **rest, **wrapper_fields.beside(said, record[said])}


def _instructions(rest: dict[str, Any]) -> list[Any]:
    """Take the system prompt out of the `instructions` of OpenAI's responses."""
    if not isinstance(system := rest.get("instructions"), str) or not system:
        return []
    del rest["instructions"]
    return [{"role": "system", "content": system}]


def _is_graded(record: Mapping[str, Any], said: str) -> bool:
    """Whether a record has a reference too: then the answer is a model's output, not the correct one."""
    references = ("reference_answer", "reward_model", *names.REFERENCES)
    return _first_of([key for key in references if key != said], record) != ""


def _first_of(keys: Iterable[str], record: Mapping[str, Any]) -> str:
    """The first of these keys that has a value in the record; empty if none has."""
    return next((key for key in keys if record.get(key) not in (None, "", [], {})), "")


def messages_of(value: Any) -> list[Any]:
    """The messages of a request; empty if it is not a chat."""
    found = value
    if isinstance(value, dict):
        if "messages" not in value and isinstance(value.get("body"), dict):
            return messages_of(value["body"])
        found = value.get("messages")
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):  # a batch of one
        found = found[0]
    if isinstance(found, list) and any(map(serialized.is_of_langchain, found)):
        found = [serialized.of_langchain(one) for one in found]
    if isinstance(found, list) and responses.are_items(found):
        found = responses.messages(found)
    return found if isinstance(found, list) and found and all(map(is_message, found)) else []


def is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _answer(value: Any) -> list[Any] | None:
    """The messages of a response; None if it is something else."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        return [{"role": "assistant", "content": value}]
    if found := messages_of(value):
        return found
    if not isinstance(value, dict):
        return None
    if is_message(value):
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
        return [choices[0]["message"]] if is_message(choices[0].get("message")) else None
    if isinstance(value.get("content"), str):
        return [{"role": "assistant", "content": value["content"]}]
    return None

"""Converts tool definitions, calls and results between OpenAI, Anthropic and Converse.

Sources: OpenAI API reference, chat (tools, tool_calls, functions, function_call); Anthropic API reference,
messages (tools, tool_use, tool_result); Bedrock API reference, ToolConfiguration. Read 2026-11-29.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import schemas
from tunedrop.dataset.formats.record import Conversation, Reading
from tunedrop.dataset.types import shorten

_CALL = frozenset({"id", "type", "index", "function", "name", "arguments", "args"})
_SPEC = frozenset({"name", "description", "parameters", "input_schema", "inputSchema"})


def config(definitions: Any, path: str, reading: Reading, losses: list[str]) -> dict[str, Any]:
    """The toolConfig of a list of definitions in any form, also as a string of JSON."""
    if isinstance(definitions, str):
        definitions = decoded(definitions) or []  # "null"
    if not isinstance(definitions, list):
        reading.wrong_type(path, "a list of tools", definitions)
        return {}
    tools = []
    for index, one in enumerate(definitions):
        where = f"{path}[{index}]"
        spec = one.get("function", one) if isinstance(one, dict) else one
        if isinstance(spec, dict) and isinstance(spec.get("toolSpec"), dict):
            tools.append(spec)
            continue
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            reading.add(where, "TD026", f"a tool has a name; this one is {shorten(one)}", one, "name")
            continue
        if spec is not one and one.get("type", "function") != "function":
            kind = one["type"]
            what = f"the type of a tool is {shorten(kind)}; expected function"
            reading.add(f"{where}.type", "TD026", what, kind, "function")
            continue
        losses += [f"{where}.{shorten(key)}" for key in spec if key not in _SPEC and key != "type"]
        if spec is not one:
            losses += [f"{where}.{shorten(key)}" for key in one if key not in ("type", "function")]
        tools.append({"toolSpec": _spec(spec)})
    return {"tools": tools}


def _spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    schema = spec.get("parameters", spec.get("input_schema", spec.get("inputSchema")))
    if isinstance(schema, str):
        schema = decoded(schema)
    made: dict[str, Any] = {"name": spec["name"]}
    given = spec.get("description")
    made["description"] = (
        given if isinstance(given, str) and given.strip() else spec["name"]
    )  # AWS requires one
    made["inputSchema"] = {"json": schemas.of_parameters(schema if isinstance(schema, dict) else {})}
    return made


def written(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools of a toolConfig in OpenAI's form."""
    specs = [one["toolSpec"] for one in given.get("tools", ())]
    return [
        {
            "type": "function",
            "function": {
                "name": spec["name"],
                "description": spec.get("description", spec["name"]),
                "parameters": spec["inputSchema"]["json"],
            },
        }
        for spec in specs
    ]


def call(use: Mapping[str, Any]) -> dict[str, Any]:
    """A toolUse as a call in OpenAI's form."""
    arguments = msgspec.json.encode(use.get("input", {})).decode()
    function = {"name": use["name"], "arguments": arguments}
    return {"id": use["toolUseId"], "type": "function", "function": function}


def message(result: Mapping[str, Any]) -> dict[str, Any]:
    """A toolResult as a message in OpenAI's form; content other than text is written as JSON."""
    said = [
        one["text"] if "text" in one else msgspec.json.encode(one.get("json", one)).decode()
        for one in result["content"]
    ]
    return {"role": "tool", "tool_call_id": result["toolUseId"], "content": "\n".join(said)}


def unsaid(conversation: Conversation) -> Iterator[str]:
    """The JSON paths that OpenAI's form of tools omits."""
    config_ = conversation.extra.get("toolConfig") or {}
    yield from (f"$.toolConfig.{shorten(key)}" for key in config_ if key != "tools")
    for turn in conversation.turns:
        for one in turn.blocks:
            result = one.get("toolResult", {})
            yield from (
                f"{turn.path}.toolResult.{shorten(key)}"
                for key in result
                if key not in ("toolUseId", "content")
            )


def are_definitions(value: Any, whole: bool = False) -> bool:
    """Whether a value declares tools, as a list or a string of JSON; `whole`: with parameters."""
    found = decoded(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        return False
    specs = [one.get("function", one) for one in found]
    if whole:
        return all(isinstance(one, dict) and "name" in one and _has_schema(one) for one in specs)
    return all({"name", "function", "toolSpec"} & one.keys() for one in found)


def _has_schema(spec: Mapping[str, Any]) -> bool:
    """Whether a tool has parameters by name, not as a list like OpenAPI's."""
    return any(isinstance(spec.get(key), dict) for key in ("parameters", "input_schema", "inputSchema"))


def calls_in(value: Any) -> list[dict[str, Any]]:
    """The calls in an answer, in OpenAI's form; empty if it is anything else."""
    found = decoded(value) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else value
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list):
        return []
    calls = []
    for one in found:
        inside = one.get("function") if isinstance(one, dict) else None
        call = inside if isinstance(inside, dict) else one
        name = _first(call, _NAMES)
        arguments = _first(call, _ARGUMENTS)
        if not isinstance(name, str) or not isinstance(arguments, dict | str) or call.keys() - _OF_CALLS:
            return []
        calls.append({"id": one.get("id"), "function": {"name": name, "arguments": arguments}})
    return calls


_NAMES = ("name", "tool_name", "function", "tool")
_ARGUMENTS = ("arguments", "parameters", "args", "tool_input", "input")
_OF_CALLS = {*_NAMES, *_ARGUMENTS, "id", "type"}


def _first(call: Any, keys: tuple[str, ...]) -> Any:
    return next((call[key] for key in keys if key in call), None) if isinstance(call, dict) else None


def decoded(text: str) -> Any:
    """The value of a string of JSON; the string itself if it is not JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return text


def printed(text: str) -> Any:
    """The value of a string in the notation of JSON, Python or NumPy; the string itself if it is none of
    them, or long."""
    for read in (json.loads, _literal):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return read(text)
    return text


def _literal(text: str) -> Any:
    if len(text) >= 1 << 20:
        raise ValueError("long")
    return json.loads(json.dumps(ast.literal_eval(_BETWEEN_PRINTED.sub("}, {", text.strip()))))


_BETWEEN_PRINTED = re.compile(r"\}\s*\n\s*\{")
"""Add the commas that NumPy omits in lists; Python prints no line breaks inside a string."""


class Calls:
    """The calls of one conversation: assigns ids to calls that have none, and to results the id of their
    call."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []
        self._count = 0

    def of(
        self, message: Mapping[str, Any], path: str, reading: Reading, losses: list[str]
    ) -> Iterator[dict[str, Any]]:
        """The toolUse blocks of an assistant's message in OpenAI's form."""
        calls = message.get("tool_calls") or []
        old = message.get("function_call")
        if not isinstance(calls, list):
            reading.wrong_type(f"{path}.tool_calls", "a list of calls", calls)
            return
        for index, call in enumerate([*calls, *([{"function": old}] if old else [])]):
            where = f"{path}.tool_calls[{index}]"
            function = call.get("function", call) if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                reading.add(
                    where, "TD026", f"a tool call must name its function, got {shorten(call)}", call, "name"
                )
                continue
            losses += [f"{where}.{shorten(key)}" for key in call if key not in _CALL]
            losses += [f"{where}.function.{shorten(key)}" for key in function if key not in _CALL]
            arguments = function.get("arguments", function.get("args"))  # of LangChain
            yield self.use(function["name"], arguments, call.get("id"), where, reading)

    def use(self, name: str, arguments: Any, number: Any, path: str, reading: Reading) -> dict[str, Any]:
        """One toolUse block."""
        if isinstance(arguments, str):
            arguments = decoded(arguments) if arguments.strip() else {}
        if not isinstance(arguments, dict):
            what = f"the arguments of {shorten(name)} are not a JSON object: {shorten(arguments)}"
            reading.add(f"{path}.arguments", "TD026", what, arguments, "a JSON object")
            arguments = {}
        self._count += 1
        made = number if isinstance(number, str) and number else f"call_{self._count}"
        self._waiting.append((name, made))
        return {"toolUse": {"toolUseId": made, "name": name, "input": arguments}}

    def result(self, content: Any, number: Any, name: Any) -> dict[str, Any]:
        """One toolResult block, matched by its id, else by its function's name, else to the oldest open
        call."""
        place = next(
            (
                at
                for at, (who, id_) in enumerate(self._waiting)
                if number == id_ or (not number and name == who)
            ),
            0 if self._waiting and not number else None,
        )
        found = self._waiting.pop(place)[1] if place is not None else str(number or name or "missing")
        text = content if isinstance(content, str) else None
        if text is None and isinstance(content, list):
            texts = [
                one.get("text") if isinstance(one, dict) and one.keys() <= {"type", "text"} else None
                for one in content
            ]
            if all(isinstance(one, str) for one in texts):
                return {"toolResult": {"toolUseId": found, "content": [{"text": one} for one in texts]}}
        if text is None:
            return {"toolResult": {"toolUseId": found, "content": [{"json": {"result": content}}]}}
        return {"toolResult": {"toolUseId": found, "content": [{"text": text}]}}

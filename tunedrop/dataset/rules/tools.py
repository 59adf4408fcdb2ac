"""Rules for a record's tool sections, as in AWS's newest validator: definitions, uses, results.

Source: amzn_nova_customization_sdk (AWS), sft_dataset_validator, read 2026-11-29: a tool has a unique name, a
description and a schema with a type; a use has an object as its input and a unique id; a result belongs to
one earlier use, and contains text or JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from tunedrop.dataset.formats.record import Turn
from tunedrop.dataset.types import Problem, shorten

_ENCODER = msgspec.json.Encoder()


def problems(config: Any, turns: Sequence[Turn]) -> Iterator[Problem]:
    """The problems of a record's tool sections, for any base model."""
    known: list[str] = []
    if config is not None:
        known, wrong = declared(_ENCODER.encode(config))
        yield from wrong
    uses: dict[str, int] = {}
    answered = set[str]()
    for index, turn in enumerate(turns):
        for place, block in enumerate(turn.blocks):
            where = f"{turn.path}[{place}]"
            if "toolUse" in block:
                yield from _use(block["toolUse"], f"{where}.toolUse", known, uses, index)
            elif "toolResult" in block:
                yield from _result(block["toolResult"], f"{where}.toolResult", uses, answered, index)


def are_right(declared: Collection[str], contents: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
    """Whether `problems` certainly finds nothing in the turns' blocks, whose tool parts have ids."""
    uses: dict[str, int] = {}
    for index, content in enumerate(contents):
        for block in content:
            if "toolUse" in block:
                use = block["toolUse"]
                number = use["toolUseId"]
                if use.get("name") not in declared or number in uses or type(use.get("input")) is not dict:
                    return False
                uses[number] = index
            elif "toolResult" in block:
                result = block["toolResult"]
                number = result["toolUseId"]
                if uses.get(number, index) >= index or not _says_something(result.get("content")):
                    return False
                uses[number] = len(contents)  # each use may have one result
    return True


def _says_something(content: Any) -> bool:
    """Whether the content of a result consists only of text or JSON."""
    if type(content) is not list or not content:
        return False
    for part in content:
        if type(part) is not dict or len(part) != 1:
            return False
        ((kind, value),) = part.items()
        if type(value) is not _OF_A_RESULT.get(kind):
            return False
    return True


_OF_A_RESULT = {"text": str, "json": dict}


@lru_cache(maxsize=256)
def declared(config: bytes) -> tuple[list[str], list[Problem]]:
    """The tools that a section declares, and its problems; cached, because most records declare the same."""
    names: list[str] = []
    return names, list(_config(msgspec.json.decode(config), names))


def _wrong(path: str, why: str, value: Any, expected: str) -> Problem:
    return Problem(path, "TD026", why, shorten(value), expected)


def _config(config: Any, declared: list[str]) -> Iterator[Problem]:
    tools = config.get("tools") if isinstance(config, dict) else None
    if not isinstance(tools, list) or not tools:
        yield _wrong(
            "$.toolConfig.tools", "toolConfig declares no tool; declare one or remove it", tools, "tools"
        )
        return
    for index, tool in enumerate(tools):
        path = f"$.toolConfig.tools[{index}].toolSpec"
        spec = tool.get("toolSpec") if isinstance(tool, dict) else None
        name = spec.get("name") if isinstance(spec, dict) else None
        if not isinstance(spec, dict) or not isinstance(name, str) or not name.strip():
            yield _wrong(path, "a tool needs a toolSpec with a name", tool, '{"toolSpec": {"name": "…"}}')
            continue
        if name in declared:
            yield _wrong(f"{path}.name", f"the tool {shorten(name)} is declared twice", name, "unique names")
        declared.append(name)
        description = spec.get("description")
        if not isinstance(description, str) or not description.strip():
            why = f"the tool {shorten(name)} has no description, which AWS's validator asks for"
            yield _wrong(f"{path}.description", why, description, "what the tool does")
        yield from _schema(spec.get("inputSchema"), f"{path}.inputSchema", name)


def _schema(schema: Any, path: str, name: str) -> Iterator[Problem]:
    body = schema.get("json") if isinstance(schema, dict) else None
    if not isinstance(body, dict) or "type" not in body:
        why = f"the tool {shorten(name)} has no input schema: an object with a type under json"
        yield _wrong(path, why, schema, _INPUT)
    elif body["type"] not in ("object", ["object"], ["object", "null"]):
        why = f"the input of the tool {shorten(name)} is of type {shorten(body['type'])}; expected object"
        yield _wrong(path, why, body["type"], _INPUT)


_INPUT = '{"json": {"type": "object", "properties": {}}}'


def _use(
    use: Mapping[str, Any], path: str, declared: list[str], uses: dict[str, int], index: int
) -> Iterator[Problem]:
    name, number = use.get("name"), use["toolUseId"]
    if not isinstance(use.get("input"), dict):
        yield _wrong(f"{path}.input", "the input of a tool use must be a JSON object", use.get("input"), "{}")
    if name not in declared:
        known = ", ".join(sorted(set(map(shorten, declared)))) or "none"
        where = "under tools (toolConfig in Converse)"
        why = f"the tool {shorten(name)} is not declared {where}, which has {known}"
        yield _wrong(path, why, name, known)
    if number in uses:
        yield _wrong(path, "two tool uses have the same toolUseId", number, "another id")
    uses.setdefault(number, index)


def _result(
    result: Mapping[str, Any], path: str, uses: Mapping[str, int], answered: set[str], index: int
) -> Iterator[Problem]:
    number, content = result["toolUseId"], result.get("content")
    if number not in uses or number in answered or uses[number] >= index:
        why = "the tool result belongs to no earlier tool use, or to one that already has a result"
        yield _wrong(path, why, number, "the toolUseId of a tool use")
    answered.add(number)
    if not isinstance(content, list) or not content:
        yield _wrong(
            f"{path}.content",
            "a tool result needs content: a list of text or json",
            content,
            '[{"text": "…"}]',
        )
        return
    for place, part in enumerate(content):
        kinds = [key for key in ("text", "json") if isinstance(part, dict) and part.get(key) is not None]
        good = len(kinds) == 1 and isinstance(part[kinds[0]], str if kinds[0] == "text" else dict)
        if not good and not (isinstance(part, dict) and ({"image", "document", "video"} & part.keys())):
            why = "a tool result block is either text or JSON"
            yield _wrong(f"{path}.content[{place}]", why, part, '{"text": "…"}')

"""Converts the schemas of tool inputs to JSON Schema: xLAM and BFCL use Python's types, xLAM has no schema,
and Gemini writes types in capitals.

Source: the data sets' cards (Salesforce/xlam-function-calling-60k, gorilla-llm/BFCL); Vertex AI,
Schema. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYWORDS = frozenset(
    ("properties", "$ref", "$defs", "anyOf", "oneOf", "allOf", "required", "additionalProperties")
)
_JSON = ("string", "integer", "number", "boolean", "array", "object", "null")
_TYPES = {
    "str": "string",
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "tuple", "set"), "array"),
    "dict": "object",
}


def of_parameters(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a tool's input. Parameters by name are converted to a schema; those without a default are
    required."""
    if not schema:
        return {"type": "object", "properties": {}}
    is_schema = isinstance(schema.get("type"), str | list) or not _KEYWORDS.isdisjoint(schema)
    if is_schema or not all(isinstance(one, dict) for one in schema.values()):
        return _typed({"type": "object", **schema})
    required = [name for name, one in schema.items() if "default" not in one and not _is_optional(one)]
    made = {"type": "object", "properties": {name: _typed(one) for name, one in schema.items()}}
    return {**made, "required": required} if required else made


def _is_optional(parameter: Mapping[str, Any]) -> bool:
    return "optional" in str(parameter.get("type", "")).lower()


def _typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with JSON types; any other type is mentioned in the description."""
    made = dict(schema)
    if isinstance(schema.get("type"), str) and schema["type"] not in _JSON:
        del made["type"]
        made |= _type(schema["type"], str(schema.get("description", "")))
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {
            name: _typed(one) if isinstance(one, dict) else one for name, one in schema["properties"].items()
        }
    if isinstance(schema.get("items"), dict):
        made["items"] = _typed(schema["items"])
    return made


def _type(given: str, description: str) -> dict[str, Any]:
    name, _, inside = given.partition(",")[0].strip().partition("[")
    if given in _JSON:
        return {"type": given}
    name = name.lower()
    found = _TYPES.get(name, name if name in _JSON else "")
    if found == "array" and name == "list" and inside.endswith("]"):
        return {"type": found, "items": _type(inside[:-1], "")}
    if found:
        return {"type": found}
    return {"description": f"{description} ({given})".strip()}

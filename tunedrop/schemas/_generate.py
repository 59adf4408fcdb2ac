"""JSON Schemas of the files that people write and programs read, generated from their structs.

`tunedrop schema NAME` prints one; the documentation publishes them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import msgspec

from tunedrop.contracts import Evaluation, RunEnded
from tunedrop.dataset.check.check import Report
from tunedrop.manifest import RANGES, Manifest
from tunedrop.schemas.docstrings import attributes

Schema = dict[str, Any]
Struct = type[msgspec.Struct]


def of_manifest() -> Schema:
    """The manifest. The schema also has the checks that go beyond types: unknown keys, ranges, blank
    strings."""
    schema = _schema(Manifest, "Tunedrop manifest")
    definitions = schema["$defs"]
    shapes: list[Struct] = [Manifest, *structs_in(Manifest)]
    for shape in shapes:
        definition = definitions[shape.__name__]
        definition["additionalProperties"] = False
        names = {one.name: one.encode_name for one in msgspec.structs.fields(shape)}
        for field, words in attributes(shape).items():
            definition["properties"][names[field]]["description"] = words
    for path, (lowest, highest) in RANGES.items():
        section, _, key = path.rpartition(".")
        shape = Manifest if not section else _type_of(Manifest, section)
        definitions[shape.__name__]["properties"][key] |= {"minimum": lowest, "maximum": highest}
    _refuse_blank(definitions)
    return schema


def _refuse_blank(schema: Any) -> None:
    """Require every string to contain a visible character."""
    if isinstance(schema, list):
        for one in schema:
            _refuse_blank(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "string":
            schema["pattern"] = r"\S"
        for one in schema.values():
            _refuse_blank(one)


def of_event() -> Schema:
    """The `detail` of the event that ends every run."""
    return _schema(RunEnded, "Tunedrop Run Ended")


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "manifest": of_manifest,
    "event": of_event,
    "check": lambda: _schema(Report, "What tunedrop check --format json prints, and a run's validation.json"),
    "evaluation": lambda: _schema(Evaluation, "A run's evaluation.json"),
}
"""The schemas by the names that `tunedrop schema` accepts."""


def structs_in(shape: Struct) -> list[Struct]:
    """The structs nested in a struct, in order of appearance, each once; a struct may contain itself."""
    found: list[Struct] = []

    def visit(kind: Any) -> None:
        for inner in get_args(kind):
            visit(inner)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
            found.append(kind)
            look_inside(kind)

    def look_inside(struct: Struct) -> None:
        for one in msgspec.structs.fields(struct):
            visit(one.type)

    look_inside(shape)
    return [one for one in found if one is not shape]


def _type_of(shape: Struct, key: str) -> Struct:
    (kind,) = [one.type for one in msgspec.structs.fields(shape) if one.encode_name == key]
    structs = (one for one in (kind, *get_args(kind)) if isinstance(one, type))
    return next(one for one in structs if issubclass(one, msgspec.Struct))


def _schema(shape: Struct, title: str) -> Schema:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    schema = msgspec.json.schema(shape)
    for definition in schema["$defs"].values():
        if "description" in definition:  # each key has its own description
            words = definition["description"].partition("Attributes\n")[0]
            definition["description"] = " ".join(words.split())
    return dialect | schema

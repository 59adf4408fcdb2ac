"""JSON Schemas of what people write and programs read, and the prose that docstrings give them."""

from tunedrop.schemas._generate import SCHEMAS, of_event, of_manifest, structs_in

__all__ = ["SCHEMAS", "of_event", "of_manifest", "structs_in"]

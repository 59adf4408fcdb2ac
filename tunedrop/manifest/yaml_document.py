"""YAML 1.2 (and so JSON) that remembers where each key stands, for messages that name the line."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tunedrop.errors import InvalidManifest

MAX_BYTES = 64 * 1024


def parse(text: bytes, name: str) -> Mapping[str, Any]:
    """The mapping that a file holds; `plain` makes Python's own values of it.

    Raises
    ------
    InvalidManifest
        When it is too large, not UTF-8, not YAML, or no mapping.
    """
    if len(text) > MAX_BYTES:
        raise InvalidManifest(f"{name} is {len(text):,} bytes; a manifest is at most {MAX_BYTES:,}")
    reader = YAML(typ="rt", pure=True)
    try:
        document = reader.load(io.StringIO(text.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidManifest(f"{name}{where}: not valid YAML: {error.problem or error.context}") from error
    except (YAMLError, RecursionError, ValueError) as error:
        raise InvalidManifest(f"{name}: not valid YAML: {type(error).__name__}") from error
    if not isinstance(document, Mapping):
        raise InvalidManifest(f"{name}: a manifest is a mapping of keys such as base_model and data")
    return document


def locate(document: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str]:
    """The mapping that holds a key, and the key: of `deployment.keep_for`, what `deployment` holds."""
    section, _, key = path.rpartition(".")
    mapping = document.get(section, {}) if section else document
    return (mapping if isinstance(mapping, Mapping) else {}), key


def line_of(mapping: Mapping[str, Any], key: Any) -> str:
    """Where a key stands, as ` line 3`; empty where that is not known."""
    position = getattr(mapping, "lc", None)
    return f" line {position.key(key)[0] + 1}" if position is not None else ""


def plain(value: Any) -> Any:
    """ruamel's round-trip values, which remember their layout, as Python's own."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value

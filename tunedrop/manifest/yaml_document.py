"""YAML 1.2 (and so JSON) that keeps the line of each key for error messages."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from tunedrop import escaping
from tunedrop.errors import InvalidManifest

MAX_BYTES = 64 * 1024
MAX_VALUES = 10_000
MAX_DEPTH = 100
"""Brackets that are open at once; a manifest needs three. The reader takes a minute for thousands."""

MAX_CHARACTERS = 4 * MAX_BYTES
"""Maximum size of a document after its aliases are expanded: a kilobyte of aliases can expand to
gigabytes."""

MAX_NUMBER = 1e15
"""Larger numbers make no sense here, and floats cannot represent all of them."""

_NO_TEXT = re.compile(f"[{escaping.CONTROLS}\ud800-\udfff]")


def parse(text: bytes, name: str) -> Mapping[str, Any]:
    """The mapping in a file; `plain` converts it to Python's own values.

    Raises
    ------
    InvalidManifest
        If it is too large, possibly after its aliases are expanded, not UTF-8, not YAML, or not a mapping; or
        if it contains values other than numbers, strings, lists and mappings, or values that make no sense
        here.
    """
    from ruamel.yaml import YAML  # a tenth of a command's start, which most commands do not need
    from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError

    if len(text) > MAX_BYTES:
        raise InvalidManifest(f"{name} is {len(text):,} bytes; a manifest is at most {MAX_BYTES:,}")
    if _depth(text) > MAX_DEPTH:
        raise InvalidManifest(f"{name}: more than {MAX_DEPTH} brackets are open at once; close those before")
    reader = YAML(typ="rt", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML 1.2 allows it: the later one counts
            if b"&" in text:
                _refuse_expansion(reader.compose(io.StringIO(text.decode("utf-8-sig"))), name)
            document = reader.load(io.StringIO(text.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = escaping.line(str(error.problem or error.context))
        raise InvalidManifest(f"{name}{where}: not valid YAML: {problem}") from error
    except (YAMLError, *_UNREADABLE) as error:
        raise InvalidManifest(f"{name}: not valid YAML: {type(error).__name__}") from error
    if not isinstance(document, Mapping):
        raise InvalidManifest(f"{name}: a manifest is a mapping of keys such as base_model and data")
    for path, value in _values(document, name):
        if problem := _problem(value):
            raise InvalidManifest(f"{name}: {escaping.line(path)[:200]}: {problem}")
    return document


_UNREADABLE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""Exceptions of the parser besides its own, for documents that no person writes, such as a tag `!!float` on a
list or a date of the year 0."""


def _depth(text: bytes) -> int:
    """How many brackets seem to be open at once; those in texts count too."""
    steps = (1 if one in b"[{" else -1 for one in text if one in b"[]{}")
    return max(accumulate(steps, lambda depth, step: max(0, depth + step), initial=0))


def _refuse_expansion(root: Any, name: str) -> None:
    """Count the expanded document before it is constructed: merges (`<<`) of a few kilobytes would take
    minutes.

    Raises
    ------
    InvalidManifest
        If it is too large.
    """
    left, count = [root], 0
    while left:
        count += 1
        if count > MAX_VALUES:
            raise _too_large(name)
        value = getattr(left.pop(), "value", None)
        for item in value if isinstance(value, list) else ():
            left.extend(item if isinstance(item, tuple) else (item,))


def _too_large(name: str) -> InvalidManifest:
    return InvalidManifest(
        f"{name}: with its aliases expanded it has more than {MAX_VALUES:,} values or "
        f"{MAX_CHARACTERS:,} characters; write out what you need"
    )


def _values(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Every scalar value and every key, each with its path, as often as aliases repeat it.

    Raises
    ------
    InvalidManifest
        If there are too many, such as in a document that contains itself.
    """
    left: list[tuple[str, Any]] = [("", document)]
    count = characters = 0
    while left:
        path, value = left.pop()
        count += 1
        characters += len(value) if isinstance(value, str | bytes) else 0
        if count > MAX_VALUES or characters > MAX_CHARACTERS:
            raise _too_large(name)
        if isinstance(value, Mapping):
            for key, item in value.items():
                left.append((path, key))
                left.append((f"{path}.{key}".lstrip(".") if isinstance(key, str) else path, item))
        elif isinstance(value, list | tuple):
            left.extend((path, item) for item in value)
        else:
            yield path, value


def _problem(value: Any) -> str:
    """Why a value cannot be used in a manifest; empty if it can."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return "" if abs(value) <= MAX_NUMBER else f"a number must be from -{MAX_NUMBER:g} to {MAX_NUMBER:g}"
    if isinstance(value, str):
        found = _NO_TEXT.search(value)
        return f"text must not contain the character {escaping.line(found[0])}" if found else ""
    return f"{type(value).__name__} is not a valid manifest value; put text in quotes"


def locate(document: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str]:
    """The mapping that contains a key, and the key; for `deployment.keep_for`, the mapping `deployment`."""
    section, _, key = path.rpartition(".")
    mapping = document.get(section, {}) if section else document
    return (mapping if isinstance(mapping, Mapping) else {}), key


def line_of(mapping: Mapping[str, Any], key: Any) -> str:
    """The place of a key, such as ` line 3`; empty if unknown, such as for a merged key (`<<`)."""
    position = getattr(mapping, "lc", None)
    try:
        return f" line {position.key(key)[0] + 1}" if position is not None else ""
    except (KeyError, TypeError):
        return ""


def plain(value: Any) -> Any:
    """Convert ruamel's round-trip values, which keep their layout, to Python's own."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value

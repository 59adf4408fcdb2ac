"""YAML 1.2 (and so JSON) that keeps the line of each key for error messages."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop import escaping
from tunedrop.errors import InvalidManifest

MAX_BYTES = 64 * 1024
MAX_VALUES = 10_000
MAX_CHARACTERS = 4 * MAX_BYTES
"""Of a document once its aliases are expanded: a kilobyte of them can stand for gigabytes."""

MAX_NUMBER = 1e15
"""Larger numbers mean nothing here, and no longer every whole number has a float."""

_NO_TEXT = re.compile(f"[{escaping.CONTROLS}\ud800-\udfff]")


def parse(text: bytes, name: str) -> Mapping[str, Any]:
    """The mapping that a file holds; `plain` makes Python's own values of it.

    Raises
    ------
    InvalidManifest
        If it is too large, also once its aliases are expanded, not UTF-8, not YAML, or no mapping; or when
        it holds what is no number, text, list or mapping that anything here could mean.
    """
    from ruamel.yaml import YAML  # a tenth of a command's start, which most commands can do without
    from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError

    if len(text) > MAX_BYTES:
        raise InvalidManifest(f"{name} is {len(text):,} bytes; a manifest is at most {MAX_BYTES:,}")
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
"""What the reader raises beside its own errors for documents that no person writes, such as a tag `!!float`
on a list or a date of the year 0."""


def _refuse_expansion(root: Any, name: str) -> None:
    """Count what a document stands for before it is made: merges (`<<`) of a few kilobytes take minutes.

    Raises
    ------
    InvalidManifest
        If there is too much.
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
    """Every value that is not a list or mapping, and every key, each with its path; as often as aliases say.

    Raises
    ------
    InvalidManifest
        If there are too many, as in a document that contains itself.
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
    """Why a value can mean nothing in a manifest; empty when it can."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return "" if abs(value) <= MAX_NUMBER else f"a number must be from -{MAX_NUMBER:g} to {MAX_NUMBER:g}"
    if isinstance(value, str):
        found = _NO_TEXT.search(value)
        return f"text must not contain the character {escaping.line(found[0])}" if found else ""
    return f"{type(value).__name__} is not a valid manifest value; put text in quotes"


def locate(document: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], str]:
    """The mapping that holds a key, and the key: of `deployment.keep_for`, what `deployment` holds."""
    section, _, key = path.rpartition(".")
    mapping = document.get(section, {}) if section else document
    return (mapping if isinstance(mapping, Mapping) else {}), key


def line_of(mapping: Mapping[str, Any], key: Any) -> str:
    """Where a key stands, as ` line 3`; empty if that is not known, as of a key that was merged (`<<`)."""
    position = getattr(mapping, "lc", None)
    try:
        return f" line {position.key(key)[0] + 1}" if position is not None else ""
    except (KeyError, TypeError):
        return ""


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

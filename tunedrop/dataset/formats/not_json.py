"""Explains why a line is not JSON, and what to do."""

from __future__ import annotations

import json
import re
from typing import Any

Problem = tuple[str, str]
"""Code, message."""

BOM = b"\xef\xbb\xbf"
MAX_DEPTH = 64
"""No format nests records deeper than 10 levels, and parsers have different limits."""

RETURN = re.compile(rb"\}[ \t]*\r[ \t\r]*(?=\{)")
"""A carriage return that ends a record: valid JSON never has one between } and {."""

STRETCHED = "a record spans several lines; tunedrop check --fix writes each record on one line"
RETURNS = "lines end in carriage returns only, as on old Macs; tunedrop check --fix writes line feeds"
TOO_DEEP: Problem = ("TD001", f"not valid JSON: nested deeper than {MAX_DEPTH} levels")

_NO_RECORD = (
    (b"```", "not a record: a code fence; remove the line (tunedrop check --fix does)"),
    (b"//", "not a record: JSON has no comments; remove the line"),
    (b"/*", "not a record: JSON has no comments; remove it"),
    (b"\x1a", "an end-of-file character of old systems; remove it"),
    (b"#", "not a record: JSON has no comments; remove the line"),
    (b"<<<<<<<", "a Git merge conflict marker; resolve the conflict"),
    (b"=======", "a Git merge conflict marker; resolve the conflict"),
    (b">>>>>>>", "a Git merge conflict marker; resolve the conflict"),
    (b"{&quot;", "the quotes are HTML entities (&quot;); decode them, as html.unescape does"),
    ("{\u201c".encode(), "keys have typographic quotes; JSON requires straight quotes"),
    (b"{'", "strings have single quotes, as in Python; use json.dumps (or --fix)"),
)
"""Beginnings of lines that are not JSON, whatever follows."""

_INSIDE = (
    (
        re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\b"),
        "NaN and Infinity are not valid JSON; write null or a number",
    ),
    (
        re.compile(rb"[:\[,]\s*(?:None|True|False)\b"),
        "None, True and False are Python; JSON has null, true and false",
    ),
    (re.compile(rb",\s*[}\]]"), "trailing comma before } or ]; remove it"),
    (re.compile(rb"[{,]\s*[A-Za-z_]\w*\s*:"), 'a key is not quoted; JSON requires "key":'),
    (re.compile(rb"(?://|/\*)"), "JSON has no comments; remove them"),
    (
        re.compile(rb"[:\[,{]\s*'"),
        "a string has single quotes, as in Python; use json.dumps",
    ),
)
"""What is not JSON anywhere outside of a string."""
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+("|\\?\Z)', re.DOTALL)
"""Matches strings; an unterminated one extends to the end, so that no quote in it is taken for a
beginning."""
_CONTROL = re.compile(rb"[\x00-\x1f]")
_ESCAPE = re.compile(rb'\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4}))')


def why(text: bytes, error: Exception) -> Problem:
    """Code and message for a line that could not be parsed."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as bad:
        return "TD002", f"byte {bad.start + 1} of the line is not UTF-8; save the file as UTF-8"
    bare = text.strip()
    if text.startswith(BOM):
        return "TD002", "a byte-order mark precedes the record; tunedrop check --fix removes it"
    if bare in (b"{", b"}", b"},"):
        return "TD005", STRETCHED
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return "TD001", _reason(text, bare, str(error))


def _reason(text: bytes, bare: bytes, error: str) -> str:
    if b"\0" in text:
        return "the line contains NUL bytes: the file is damaged, or not text"
    for mark, message in _NO_RECORD:
        if bare.startswith(mark):
            return message
    if relaxed(text) is not None:
        return (
            "a string contains a raw tab or control character; JSON requires \\t (tunedrop check --fix does)"
        )
    if bare[:1].isalpha():
        return f"not a record: a record is a JSON object, which begins with {{; remove the line ({error})"
    if RETURN.search(text):
        return RETURNS
    if bare.startswith(b"{") and "trailing characters" in error:
        return f"the line contains more than one object; tunedrop check --fix splits them ({error})"
    return _inside(bare, error)


def _inside(bare: bytes, error: str) -> str:
    """The problem in the middle of a record."""
    outside = _without_texts(bare)
    for pattern, message in _INSIDE:
        if pattern.search(outside):
            return f"{message} ({error})"
    if "invalid escape" in error and (escape := _ESCAPE.search(bare)):
        shown = escape[0].decode(errors="replace")
        return f"{shown} is not a JSON escape; write a backslash as \\\\ ({error})"
    if "surrogate" in error:
        return f"an unpaired \\u surrogate escape is not a character ({error})"
    if "truncated" in error:
        return (
            f"the line ends inside the record: the file was cut off, or a line break is not escaped ({error})"
        )
    if "expected ',' or '}'" in error and bare.endswith(b'"}'):
        return f'a " inside a string is not escaped; JSON requires \\" ({error})'
    return f"not valid JSON: {error}"


def _without_texts(bare: bytes) -> bytes:
    """The parts of a record outside of its strings; an unterminated string stays."""
    return _TEXTS.sub(lambda found: b'""' if found[1] == b'"' else found[0], bare)


def is_too_deep(text: bytes) -> bool:
    """Whether objects and lists are nested deeper than in any format."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for one in _NO_BRACKETS.sub(b"", text):
        depth += (one in b"{[") - (one in b"}]")
        if depth > MAX_DEPTH:
            return True
    return False


_NO_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[^{}\[\]"]+', re.DOTALL)


def reason_of_value(text: str, error: str) -> str:
    """The problem of a value at the beginning of a text, in the middle of a file."""
    bare = text.encode(errors="surrogateescape")
    for mark, message in _NO_RECORD:
        if bare.startswith(mark):
            return _ON_ONE_LINE.sub("", message)
    outside = _without_texts(bare)
    return next((message for pattern, message in _INSIDE if pattern.search(outside)), f"not JSON: {error}")


_ON_ONE_LINE = re.compile(r" \((?:or --fix|tunedrop check --fix does)\)$")
"""Matches the hint at --fix, which repairs lines but no values in the middle of a file."""


def relaxed(text: bytes) -> dict[str, Any] | None:
    """A record whose only problem is raw control characters in its strings; None if it has another one."""
    if _CONTROL.search(text.strip()) is None:
        return None
    try:
        record = json.loads(text, strict=False, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(name)

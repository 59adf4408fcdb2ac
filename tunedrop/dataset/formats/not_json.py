"""Why a line is no JSON, in words that say what to do."""

from __future__ import annotations

import json
import re
from typing import Any

Problem = tuple[str, str]
"""Code, message."""

BOM = b"\xef\xbb\xbf"
MAX_DEPTH = 64
"""No format nests records deeper than 10 levels; parsers differ in how deep they follow."""

RETURN = re.compile(rb"\}[ \t]*\r[ \t\r]*(?=\{)")
"""A carriage return that ends a record: no valid JSON has one between } and {, in a text or outside."""

STRETCHED = "a record stretches over several lines; tunedrop check --fix writes each on one line"
RETURNS = "carriage returns alone end the lines, as on old Macs; tunedrop check --fix writes line feeds"
TOO_DEEP: Problem = ("TD001", f"not valid JSON for any reader: nested deeper than {MAX_DEPTH} levels")

_NO_RECORD = (
    (b"```", "no record: the mark of a code fence; remove the line (tunedrop check --fix does)"),
    (b"//", "no record: JSON has no comments; remove the line"),
    (b"/*", "no record: JSON has no comments; remove it"),
    (b"\x1a", "an end-of-file mark of old systems; remove it"),
    (b"#", "no record: JSON has no comments; remove the line"),
    (b"<<<<<<<", "a mark of a merge conflict of Git; resolve it"),
    (b"=======", "a mark of a merge conflict of Git; resolve it"),
    (b">>>>>>>", "a mark of a merge conflict of Git; resolve it"),
    (b"{&quot;", "the quotes are HTML entities (&quot;); decode them, as html.unescape does"),
    ("{\u201c".encode(), "typographic quotes stand around keys; JSON has straight ones"),
    (b"{'", "texts stand in single quotes, as Python prints them; json.dumps writes JSON (--fix does)"),
)
"""How lines begin that are no JSON, whatever comes behind."""

_INSIDE = (
    (re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\b"), "NaN and Infinity are no JSON; write null or a number"),
    (
        re.compile(rb"[:\[,]\s*(?:None|True|False)\b"),
        "None, True, False are Python's; JSON has null, true, false",
    ),
    (re.compile(rb",\s*[}\]]"), "a comma stands before } or ]; remove it"),
    (re.compile(rb"[{,]\s*[A-Za-z_]\w*\s*:"), 'a key stands without quotes; JSON writes "key":'),
    (re.compile(rb"(?://|/\*)"), "JSON has no comments; remove them"),
    (
        re.compile(rb"[:\[,{]\s*'"),
        "a text stands in single quotes, as Python prints it; json.dumps writes JSON",
    ),
)
"""What is no JSON wherever it stands outside a text."""
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')
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
        return "TD002", "a byte-order mark stands before the record; tunedrop check --fix removes it"
    if bare in (b"{", b"}", b"},"):
        return "TD005", STRETCHED
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return "TD001", _reason(text, bare, str(error))


def _reason(text: bytes, bare: bytes, error: str) -> str:
    if b"\0" in text:
        return "NUL bytes are in the line: the file is damaged, or no text"
    for mark, message in _NO_RECORD:
        if bare.startswith(mark):
            return message
    if relaxed(text) is not None:
        return "a raw tab or control character stands in a text; JSON writes \\t (tunedrop check --fix does)"
    if bare[:1].isalpha():
        return f"no record: one is a JSON object, which begins with {{; remove the line ({error})"
    if RETURN.search(text):
        return RETURNS
    if bare.startswith(b"{") and "trailing characters" in error:
        return f"more stands on the line than one object; tunedrop check --fix parts records ({error})"
    return _inside(bare, error)


def _inside(bare: bytes, error: str) -> str:
    """What is wrong in the middle of a record."""
    outside = _TEXTS.sub(b'""', bare)
    for pattern, message in _INSIDE:
        if pattern.search(outside):
            return f"{message} ({error})"
    if "invalid escape" in error and (escape := _ESCAPE.search(bare)):
        shown = escape[0].decode(errors="replace")
        return f"{shown} is no escape of JSON; a backslash of a text is written twice ({error})"
    if "surrogate" in error:
        return f"half of a pair of \\u escapes (a surrogate) stands alone, which is no character ({error})"
    if "truncated" in error:
        return f"the line ends within the record: was the file cut off, or a line end left raw? ({error})"
    if "expected ',' or '}'" in error and bare.endswith(b'"}'):
        return f'a " inside a text is not escaped; JSON writes \\" ({error})'
    return f"not valid JSON: {error}"


def is_too_deep(text: bytes) -> bool:
    """Whether objects and lists are nested deeper than any format nests them."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for one in _NO_BRACKETS.sub(b"", text):
        depth += (one in b"{[") - (one in b"}]")
        if depth > MAX_DEPTH:
            return True
    return False


_NO_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^{}\[\]"]+')


def reason_of_value(text: str, error: str) -> str:
    """What is wrong with a value that begins a text, in the middle of a file."""
    bare = text.encode(errors="surrogateescape")
    for mark, message in _NO_RECORD:
        if bare.startswith(mark):
            return message.removesuffix(" (--fix does)")
    outside = _TEXTS.sub(b'""', bare)
    return next((message for pattern, message in _INSIDE if pattern.search(outside)), f"not JSON: {error}")


def relaxed(text: bytes) -> dict[str, Any] | None:
    """A record whose only fault is raw control characters inside its texts; None where it has another."""
    if _CONTROL.search(text.strip()) is None:
        return None
    try:
        record = json.loads(text, strict=False, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(name)

"""JSON values that follow each other in any layout: an array, pretty-printed objects; in bounded memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import msgspec

from tunedrop.dataset.formats import naming, not_json, unreadable
from tunedrop.dataset.formats.unreadable import NotReadable

LONGEST = 8 << 20
"""Maximum characters of one value: a pretty-printed record may be twice as long as its line."""
_AT_ONCE = 1 << 18
_NEAR = 40
"""The number of characters to read after an error, to explain it."""

_BETWEEN = re.compile(r"[ \t\r\n\f\v,;\[\]\x1e\ufeff\u2028\u2029\x85]*")
_BETWEEN_LISTS = re.compile(r"[ \t\r\n\f\v,;\]\x1e\ufeff]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
WRAPPER = re.compile(
    r'\s*\{\s*"(data|dataset|records|rows|examples|items|samples|instances|train|conversations)"\s*:\s*(?=\[\s*\{)'
)
"""An object whose first key has the records, as in exports of tools."""


def values(
    text: TextIO, wrapped: bool = False, tell: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[int, bytes]]:
    """(line, JSON) of each value of a text, or of the array that it consists of, on one line each, otherwise
    unchanged.

    Invalid JSON ends it, with a line that says where and why (`tunedrop.dataset.formats.unreadable`).

    Parameters
    ----------
    wrapped
        Whether the text is an object of one array (`WRAPPER`).
    tell
        Called at most once, if strings contain raw line ends, which JSON writes as escapes.
    """
    reader, is_told = _Reader(text), False
    if wrapped:
        reader.skip(WRAPPER)
    for line, value in reader.values():
        if wrapped and value.startswith(("}", '"')):
            yield from _after_the_array(line, value)
            return
        if _RAW.search(value) and not is_told and not _is_strict(value):
            tell("strings contain raw line breaks or tabs; they were kept and are written as escapes")
            is_told = True
        inner = unquoted(value) if value.startswith('"') else None  # each element, too
        yield line, _compact(value if inner is None else inner)
    if reader.problem:
        yield reader.line, unreadable.written("TD001", f"{reader.problem}; the rest was not read")


_RAW = re.compile(r"[\x00-\x1f]")


def _is_strict(value: str) -> bool:
    """Whether a value is JSON, without raw control characters in its strings."""
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def lists(text: TextIO) -> Iterator[tuple[int, bytes]]:
    """(line, JSON) of records that are lists: of messages, or of cells after a first list of names."""
    reader = _Reader(text, _BETWEEN_LISTS)
    reader.skip(re.compile(r"[\ufeff\s]*\[(?=\s*\[)"))
    header: list[str] | None = None
    for index, (line, value) in enumerate(reader.values()):
        compact = _compact(value)
        cells = _decoded(compact) if value.startswith("[") else None
        if not isinstance(cells, list):
            yield line, compact
        elif cells and all(isinstance(one, dict) for one in cells):
            yield line, msgspec.json.encode({"messages": cells})
        elif not index and all(isinstance(one, str) for one in cells):
            header = cells
            if naming.keys_of(dict.fromkeys(cells)).format is None:
                header = None
                yield line, unreadable.written("TD001", _NO_OBJECT)
        elif header is not None and len(cells) == len(header):
            yield line, msgspec.json.encode(dict(zip(header, cells, strict=True)))
        else:
            yield line, unreadable.written("TD001", _NO_OBJECT)
    if reader.problem:
        yield reader.line, unreadable.written("TD001", f"{reader.problem}; the rest was not read")


def _decoded(value: bytes) -> Any:
    """A decoded value; None if it is not JSON, which the reader of the lines reports."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_NO_OBJECT = "a record must be an object, {...}, not a list"


class _Reader:
    """The part of a text that was read but not used yet, and its place."""

    def __init__(self, text: TextIO, between: re.Pattern[str] = _BETWEEN) -> None:
        self._file = text
        self._between = between
        self._text = ""
        self._place = 0
        self._ended = False
        self.line = 1
        self.problem = ""

    def values(self) -> Iterator[tuple[int, str]]:
        """Each value as it is written; an unmatched closing brace ends them."""
        wanted = 0
        while self._more(wanted):
            self.skip(self._between)
            if self._place == len(self._text):
                wanted = 0
                continue
            if self._text[self._place] == "}":
                yield self.line, self._text[self._place :] + self._file.read(1 << 10)
                return
            end = self._end_of_value()
            if end is None and self._ended:
                return
            if end is None or (end == len(self._text) and not self._ended):  # a number may continue
                wanted = 2 * (len(self._text) - self._place)  # not after every small read
                if wanted > 4 * LONGEST:
                    self.problem = f"a value is longer than {LONGEST:,} characters"
                    return
                continue
            wanted, self.problem = 0, ""
            yield self.line, self._text[self._place : end]
            self._go(end)

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Skip the match at the current position."""
        if not self._text:
            self._more(1)
        match = pattern.match(self._text, self._place)
        if match:
            self._go(match.end())

    def _more(self, wanted: int) -> bool:
        """Read until more than this is buffered; False at the end of the text."""
        if self._place > _AT_ONCE:
            self._text, self._place = self._text[self._place :], 0
        while not self._ended and len(self._text) - self._place <= wanted:
            piece = self._file.read(_AT_ONCE)
            self._ended = not piece
            self._text += piece
        return self._place < len(self._text)

    def _go(self, place: int) -> None:
        if place > self._place:
            self.line += len(_LINE_END.findall(self._text, self._place, place))
            self._place = place

    def _end_of_value(self) -> int | None:
        try:
            return _DECODER.raw_decode(self._text, self._place)[1]
        except (ValueError, RecursionError) as error:
            if isinstance(error, RecursionError) or self._is_too_deep(error):
                self.problem = not_json.TOO_DEEP[1]
            elif isinstance(error, json.JSONDecodeError) and self._ended:
                near = self._text[self._place : error.pos + _NEAR]
                self.problem = not_json.reason_of_value(near, error.msg)
                self._go(error.pos)
            else:
                self.problem = f"not JSON: {error}"
            return None

    def _is_too_deep(self, error: ValueError) -> bool:
        """The maximum nesting; Python's own depends on its version and recursion limit."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return not_json.is_too_deep(self._text[self._place : error.pos].encode(errors="surrogateescape"))


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, strict=False)
"""Finds the end of a value; the reader of the lines decodes it."""


def _compact(value: str) -> bytes:
    """The same value on one line; duplicate keys and numbers stay unchanged."""
    body = value.encode(errors="surrogateescape")
    try:
        return msgspec.json.format(body, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _escaped(value) or b" ".join(body.split(b"\n")).replace(b"\r", b" ")


def _escaped(value: str) -> bytes:
    """A value whose only problem is raw control characters, with these escaped; empty for any other."""
    try:
        found = json.loads(value, strict=False, object_pairs_hook=_each_once, parse_constant=_no_number)
        return json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return b""


def _each_once(pairs_: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs_)
    if len(record) < len(pairs_):
        raise ValueError("an object has a duplicate key")
    return record


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _after_the_array(line: int, rest: str) -> Iterator[tuple[int, bytes]]:
    """Nothing if the object ends after its array; else a problem."""
    if rest.strip() != "}":
        why = "the object has more after its list of records; keep only the list"
        yield line, unreadable.written("TD001", why)


def unquoted(text: str) -> str | None:
    """The JSON in a JSON string, if `json.dumps` was used twice or more; None for other texts.

    Raises
    ------
    NotReadable
        If it was used three times or more.
    """
    for _ in range(4):
        try:
            inner = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        if not isinstance(inner, str):
            return None
        text = inner.strip()
        if text.startswith(("{", "[")):
            return text
    raise NotReadable("the records are encoded as JSON three times; encode them once, with json.dumps")

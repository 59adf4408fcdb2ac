"""JSON values that follow each other in any layout: an array, pretty-printed objects; in bounded memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from tunedrop.dataset.formats.json_lines import MAX_LINE_BYTES
from tunedrop.dataset.tools.decode import NotRepairable

LONGEST = 2 * MAX_LINE_BYTES
"""Maximum characters of one value, which may be longer pretty-printed than as a line."""

_BETWEEN = re.compile(r"[ \t\r\n,\[\]]*")


def values(chunks: Iterable[bytes]) -> Iterator[tuple[int, str, Any]]:
    """(line, text, value) of each value of a file, or of the array that it consists of.

    Raises
    ------
    NotRepairable
        If the file is not UTF-8, contains invalid JSON, or a value is too long to be a record.
    """
    decoder = json.JSONDecoder(object_pairs_hook=unambiguous, parse_constant=_no_number, parse_float=_number)
    text, place, line, wanted = "", 0, 1, 0
    for piece in chain(_text(chunks), [None]):
        text += piece or ""
        while piece is None or len(text) - place > wanted:
            start = _end_of(_BETWEEN, text, place)
            line, place = line + text.count("\n", place, start), start
            if place == len(text):
                break
            try:
                value, end = decoder.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                if piece is None or len(text) - place > LONGEST:
                    why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    raise NotRepairable(f"line {line} is not JSON: {why}") from error
                wanted = 2 * (len(text) - place)  # not after every small read
                break
            if end == len(text) and piece is not None:
                break  # a number may continue
            yield line, text[place:end], value
            line, place, wanted = line + text.count("\n", place, end), end, 0
        text, place = text[place:], 0


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place


def _text(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    place = 0
    try:
        for chunk in chunks:
            yield decoder.decode(chunk)
            place += len(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 at byte {place + error.start + 1}, or a few before it; save it as UTF-8"
        raise NotRepairable(why) from error


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without duplicate keys.

    Raises
    ------
    ValueError
        If a key is duplicate: only a person can decide which one counts.
    """
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("an object has a duplicate key")
    return record


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is too large")
    return number

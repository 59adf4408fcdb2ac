"""Repairs that change the text of records, and so are made only on request.

Each repairs the findings of one rule in all texts of a record; changes are listed and counted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tunedrop.dataset.rules.texts.control_characters import CONTROL
from tunedrop.dataset.rules.texts.literal_escapes import LiteralEscapes
from tunedrop.dataset.rules.texts.markup import Markup
from tunedrop.dataset.rules.texts.stop_marks import END_OF_ANSWER, END_OF_PROMPT
from tunedrop.dataset.rules.texts.wrong_decoding import WrongDecoding

Record = dict[str, Any]

_TEXTS = ("prompt", "completion", "text", "content", "value", "input")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"'}
_ESCAPE = re.compile(r'\\(?:([nrt"])|u([0-9a-fA-F]{4}))')
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_BREAK = re.compile(r"<(?:br ?/?|/p|/div|/li|/tr)>", re.IGNORECASE)
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def _without_html(text: str) -> str:
    if not any(Markup().find(text, "")):
        return text
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).replace("\xa0", " ").strip()


def _unescaped(text: str) -> str:
    if not any(LiteralEscapes().find(text, "")):
        return text
    return _ESCAPE.sub(lambda one: _ESCAPES[one[1]] if one[1] else chr(int(one[2], 16)), text)


def _decoded(text: str) -> str:
    return _FOREIGN.sub(_decoded_run, text) if any(WrongDecoding().find(text, "")) else text


def _decoded_run(run: re.Match[str]) -> str:
    """Letters that are UTF-8 read in another encoding, decoded correctly; others unchanged."""
    for encoding in ("cp1252", "latin-1", "cp1251", "cp437"):
        try:
            return run[0].encode(encoding).decode()
        except UnicodeError:
            continue
    return run[0]


def _without_marks(text: str) -> str:
    bare = END_OF_PROMPT.sub("", END_OF_ANSWER.sub("", text))
    return bare if bare == text else bare.rstrip()


_OF_TEXTS: dict[str, tuple[Callable[[str], str], str]] = {
    "html": (_without_html, "HTML was removed from a text"),
    "escapes": (_unescaped, "literal escapes in a text were decoded"),
    "decoding": (_decoded, "a wrongly decoded text was repaired"),
    "control": (lambda text: CONTROL.sub("", text), "control characters were removed from a text"),
    "stop-marks": (_without_marks, "the stop sequence at the end of a text was removed"),
}
NAMES = (*_OF_TEXTS, "merge-turns")
"""html TD069, escapes TD068, decoding TD066, control TD084, stop-marks TD085, merge-turns TD020."""


def applied(record: Record, names: Sequence[str]) -> tuple[Record, list[str]]:
    """The record with these repairs, and the repairs that changed something."""
    changes: list[str] = []
    if "merge-turns" in names:
        merged = {key: _merged(value) for key, value in record.items()}
        if merged != record:
            record = merged
            changes.append("consecutive messages of one speaker were merged")
    for name in names:
        if name in _OF_TEXTS:
            mend, what = _OF_TEXTS[name]
            mended = _mended(record, mend)
            if mended != record:
                record = mended
                changes.append(what)
    return record, changes


def _mended(value: Any, mend: Callable[[str], str], key: str = "") -> Any:
    """A value with its texts repaired; arguments and schemas of tools stay unchanged."""
    if isinstance(value, str):
        return (mend(value) or value) if key in _TEXTS else value
    if isinstance(value, list):
        return [_mended(one, mend, key) for one in value]
    if isinstance(value, dict) and key not in ("toolConfig", "tools", "functions", "toolUse"):
        return {name: _mended(one, mend, name) for name, one in value.items()}
    return value


def _merged(value: Any) -> Any:
    """A list of messages with consecutive messages of one speaker merged."""
    return (
        list(_in_turn(value)) if isinstance(value, list) and value and isinstance(value[0], dict) else value
    )


def _in_turn(messages: list[Any]) -> Iterator[Any]:
    last: dict[str, Any] | None = None
    for message in messages:
        joined = _joined(last, message) if last is not None and isinstance(message, dict) else None
        if joined is None and last is not None:
            yield last
        last = joined or message
    if last is not None:
        yield last


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """Two messages as one; None if they have different speakers, or more than text."""
    for speaker, said in (("role", "content"), ("from", "value")):
        if one.keys() == other.keys() == {speaker, said} and one[speaker] == other[speaker]:
            first, second = one[said], other[said]
            if isinstance(first, str) and isinstance(second, str):
                return {speaker: one[speaker], said: f"{first}\n\n{second}"}
            if isinstance(first, list) and isinstance(second, list):
                return {speaker: one[speaker], said: [*first, *second]}
    return None

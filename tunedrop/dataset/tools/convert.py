"""Converts a dataset from any supported format to any other, as far as its meaning allows.

Every format but plain text can express a question with its answer; only conversation formats can express
several turns, images or tools. Plain text has no question, so it stays plain text. A preference
becomes an example without its rejected answer. What is lost or cannot be expressed is reported by line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, SourceFormat, naming, pairs
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.rules.codes import severity
from tunedrop.dataset.tools import repair, repaired_record
from tunedrop.dataset.tools.paths import general
from tunedrop.dataset.types import Target as Target
from tunedrop.dataset.types import shorten

LINES_NAMED = 5
MOST_NOTES = 50
"""Maximum number of different reasons to list; all others are counted together."""


class Note(msgspec.Struct):
    """Something that happened to `count` records; `lines` has the first ones."""

    what: str
    count: int = 0
    lines: list[int] = []


class Conversion(msgspec.Struct):
    """The result of a conversion: `lost` lists what the new format omits, `refused` what it cannot
    express."""

    read: int = 0
    written: int = 0
    lost: dict[str, Note] = {}
    refused: dict[str, Note] = {}

    @property
    def refusals(self) -> int:
        return sum(note.count for note in self.refused.values())


def convert(
    chunks: Iterable[bytes],
    sink: BinaryIO,
    target: Target,
    place: Callable[[int], int] = int,
) -> Conversion:
    """Write every record that the target format can express; the others are refused, with their lines.

    Parameters
    ----------
    chunks
        JSON lines.
    place
        Returns the line or row of the original file for a line of the chunks.
    """
    done, write = Conversion(), _writer(sink, target)
    for number, record in _records(chunks, place, done):
        line = place(number)
        reading = formats.read_for(record, is_text=target == "text")
        conversation = reading.conversation
        if conversation is None:
            first = next(one for one in reading.problems if severity(one.code) == "error")
            _note(
                done.refused, f"{first.message} [{first.code}]", line, f"{first.code} {general(first.path)}"
            )
            continue
        try:
            write(conversation)
        except ValueError as error:
            _note(done.refused, str(error), line)
            continue
        done.written += 1
        for guess in reading.guesses:
            _note(done.lost, guess.message, line)
        for what in _losses(record, reading.format, conversation, target):
            _note(done.lost, what, line)
    return done


def _records(
    chunks: Iterable[bytes], place: Callable[[int], int], done: Conversion
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records as `--fix` repairs them; the repairs are noted."""
    for number, raw in lines.raw_lines(chunks):
        one = lines.parse(number, raw)
        whats: list[str] = []
        if one.problem is not None:
            text, whats = repair.mended(raw.strip())
            if not text:
                _note(done.lost, whats[0] if whats else "the line is blank and was left out", place(number))
                continue
            one = lines.parse(number, text) if whats else one
        done.read += 1
        if one.problem is not None:
            code, message = one.problem[:2]
            _note(done.refused, f"{message} [{code}]", place(number))
            continue
        record, changes = repaired_record.tidied(one.record)
        for what in dict.fromkeys(whats + changes):
            _note(done.lost, what, place(number))
        yield number, record


def _note(notes: dict[str, Note], what: str, line: int, kind: str = "") -> None:
    """Count another case of a reason."""
    kind = kind or what
    if kind not in notes and len(notes) >= MOST_NOTES:
        kind = what = "for more reasons than are listed here"
    note = notes.setdefault(kind, Note(what))
    note.count += 1
    if len(note.lines) < LINES_NAMED:
        note.lines.append(line)


def _losses(
    record: Mapping[str, Any], format_: SourceFormat, conversation: Conversation, target: Target
) -> Iterator[str]:
    """What the new record omits, or has in another place."""
    if conversation.system and target in ("prompt-completion", "alpaca"):
        yield "the system prompt was put at the start of the prompt"
    if (
        format_ in ("alpaca", "dolly", "question-answer", "text-label", "prompt-completion")
        and len(record) > 2
        and target != format_
    ):
        keys = naming.keys_of(record)
        for key in pairs.joined(record):
            yield f"{shorten(keys.prompt)} and {shorten(key)} were joined"
    several = any(_has_several(message) for message in record.get("messages") or [])
    if target != "converse" and (several or conversation.system_blocks > 1):
        yield "several texts of one message were joined, one per line"
    for path in formats.losses(conversation, target):
        yield f"{general(path)} was left out"


def _has_several(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, list) and len(content) > 1


def _writer(sink: BinaryIO, target: Target) -> Callable[[Conversation], None]:
    if target == "csv":
        return _csv_writer(sink)

    def write(conversation: Conversation) -> None:
        sink.write(msgspec.json.encode(formats.write(conversation, target)) + b"\n")

    return write


def _csv_writer(sink: BinaryIO) -> Callable[[Conversation], None]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def flush() -> None:
        sink.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()

    def write(conversation: Conversation) -> None:
        pair = formats.write(msgspec.structs.replace(conversation, system=""), "prompt-completion")
        writer.writerow([conversation.system, pair["prompt"], pair["completion"]])
        flush()

    writer.writerow(["system", "prompt", "completion"])
    flush()
    return write

"""Converting a dataset from any format that we read to any other, where its meaning allows.

A question and its answer is said in every format but plain text; a conversation of more turns, or with images
or tools, in those of conversations. Plain text asks nothing, so that it stays plain text; preferences between
answers are no examples. What is lost, and what cannot be said, is reported by line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Literal

import msgspec

from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.formats import record as formats
from tunedrop.dataset.formats.record import Conversation, SourceFormat
from tunedrop.dataset.rules import record as rules

Target = Literal["prompt-completion", "converse", "openai-chat", "alpaca", "text", "csv"]
LINES_NAMED = 5
MOST_NOTES = 50
"""Different ones; what comes after them is counted together."""


class Note(msgspec.Struct):
    """Something that happened to `count` records, the first of which are on `lines`."""

    what: str
    count: int = 0
    lines: list[int] = []


class Conversion(msgspec.Struct):
    """What became of a dataset: `lost` is what the new format does not say, `refused` what it cannot."""

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
    """Write every record that the target format can say; the others are refused, with their lines.

    Parameters
    ----------
    chunks
        JSON lines.
    place
        In which line or row of the file that people have a line of the chunks stood.
    """
    done, write = Conversion(), _writer(sink, target)
    for number, record in _records(chunks, place, done):
        line = place(number)
        format_ = formats.detect(record)
        if format_ is None:
            _note(done.refused, rules.no_format(record).message, line)
            continue
        problems = list(rules.shape_problems(record, format_, "optional"))
        fatal = [one for one in problems if rules.severity(one.code) == "error"]
        if fatal:
            _note(done.refused, f"{fatal[0].message} [{fatal[0].code}]", line)
            continue
        conversation = formats.read(record, format_)
        try:
            write(conversation)
        except ValueError as error:
            _note(done.refused, str(error), line)
            continue
        done.written += 1
        unread = [f"{one.path} was left out" for one in problems if one.code == "TD014"]
        for what in [*unread, *_losses(record, format_, conversation, target)]:
            _note(done.lost, what, line)
    return done


def _records(
    chunks: Iterable[bytes], place: Callable[[int], int], done: Conversion
) -> Iterator[tuple[int, dict[str, Any]]]:
    for one in lines.read(chunks):
        done.read += 1
        if one.problem is not None:
            code, message = one.problem[:2]
            _note(done.refused, f"{message} [{code}]", place(one.number))
        else:
            yield one.number, one.record


def _note(notes: dict[str, Note], what: str, line: int) -> None:
    if what not in notes and len(notes) >= MOST_NOTES:
        what = "for more reasons than are told here"
    note = notes.setdefault(what, Note(what))
    note.count += 1
    if len(note.lines) < LINES_NAMED:
        note.lines.append(line)


def _losses(
    record: Mapping[str, Any], format_: SourceFormat, conversation: Conversation, target: Target
) -> Iterator[str]:
    """What the new record does not say any more, or says in another place."""
    paired = target in ("prompt-completion", "alpaca")
    if conversation.system and paired:
        yield "the system text was written in front of the prompt"
    if format_ == "alpaca" and record.get("input") and target != "alpaca":
        yield "instruction and input were joined"
    if format_ == "converse" and target != "converse":
        system = record.get("system") or []
        contents = [message["content"] for message in record["messages"]]
        if len(system) > 1 or any(len(content) > 1 for content in contents):
            yield "several texts of one message were joined, a line each"
        if "toolConfig" in record:
            yield "toolConfig was left out"
    if "reference_answer" in conversation.extra and target != "openai-chat":
        yield "reference_answer and what stands beside it were left out"


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

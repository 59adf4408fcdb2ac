"""Divides plain text and Markdown without records into passages for continued pre-training, `{"input": "…"}`.

A passage consists of as many whole paragraphs as fit; only a longer paragraph is divided, at the end of a
line, a sentence or a word. Nothing is omitted except the blank lines and spaces between passages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TextIO

from tunedrop.dataset.formats import transcripts
from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import delimited, kinds, tables

LONGEST = 4_000
"""Maximum characters of a passage (our choice): in English about 1,024 tokens, JumpStart's block length."""
_ENDINGS = (".txt", ".text", ".md", ".markdown")
_ENDS = tuple(
    re.compile(one)
    for one in (
        r"(?>\r\n|\n|\r)[ \t]*(?>\r\n|\n|\r)\s*",
        r"(?:\r\n|\n|\r)\s*",
        r"[.!?\u2026]['\")\]]*\s+|[\u3002\uff01\uff1f]\s*",
        r"\s+",
    )
)
"""Where a passage may end, best first: paragraphs, lines, sentences, words."""
_LINE_END = re.compile(r"\r\n|\n|\r")
_JSON = re.compile(r"\{\s*[\"'}]|\[\s*(?:[{\"'\]]|[\[(]\s*[\"'{\[])")
_SEPARATORS = (("\t", 1), (";", 2), ("|", 2), (",", 3))
"""Separators of cells, and the minimum number of lines with equally many of them in a table."""


def is_document(name: str) -> bool:
    """Whether a file's name is that of text or Markdown, compressed or not."""
    return name.lower().removesuffix(".gz").endswith(_ENDINGS)


def is_prose(sample: str, name: str) -> bool:
    """Whether to read a document as passages: its beginning looks neither like JSON nor like a table."""
    return is_document(name) and _is_prose(sample)


def _is_prose(sample: str) -> bool:
    begun = sample.lstrip("\ufeff \t\r\n")
    if not begun.strip("\0") or _JSON.match(begun):
        return False
    lines = [line for line in begun.splitlines()[:200] if line.strip(" \t+-|:=")]
    if not lines:
        return False
    for separator, fewest in _SEPARATORS:
        (number, times), *_ = Counter(line.count(separator) for line in lines).most_common(1)
        if number and times >= max(fewest, 0.9 * len(lines)):
            return False
    return True


def table_of(sample: str, name: str, wanted: Mapping[str, str]) -> delimited.Table | None:
    """The dialect and the columns of a table, from its beginning; None if the text is a document.

    Raises
    ------
    NotReadable
        If it is neither: no column can be identified as the prompt.
    """
    may_be_prose = not wanted and not delimited.is_table(name) and _is_prose(sample)
    try:
        table = delimited.table_of(sample, wanted, whole=len(sample) < kinds.HEAD)
    except NotReadable as error:
        if not may_be_prose:
            raise
        if is_document(name):
            return None
        raise NotReadable(NO_RECORDS) from error
    return None if may_be_prose and is_document(name) and table.columns.skipped else table


def passages(text: TextIO) -> Iterator[tuple[int, bytes]]:
    """(first line, record) of each passage.

    Raises
    ------
    NotReadable
        If the text is a conversation, whose turns would be learned as a single text.
    """
    rest, line, is_first = "", 1, True
    while True:
        piece = text.read(16 * LONGEST)
        rest += piece
        while rest and (len(rest) > LONGEST + 1 or not piece):  # the line end after it may be two characters
            end = _end_of(rest)
            said = rest[:end].strip("\r\n\ufeff").rstrip()
            if is_first and (_is_transcript(said.lstrip()) or _is_chat(rest)):
                raise NotReadable(_CONVERSATION)
            is_first = is_first and not said
            if said:
                blank = rest[: rest.index(said)]
                yield line + len(_LINE_END.findall(blank)), tables.encoded({"input": said})
            line += len(_LINE_END.findall(rest, 0, end))
            rest = rest[end:]
        if not piece:
            return


def _is_transcript(text: str) -> bool:
    return transcripts.begins(text) and bool(transcripts.spoken(text))


def _is_chat(text: str) -> bool:
    """Whether speakers alternate in Markdown, each under a heading or in bold, in at least two exchanges."""
    said = [_ASKS.fullmatch(one[1] or one[2]) is not None for one in _SPEAKER.finditer(text)]
    return len(said) > 3 and all(is_user is (at % 2 == 0) for at, is_user in enumerate(said))


_WHO_ASKS = "User|Human|You|Me|Prompt"
_WHO = rf"({_WHO_ASKS}|Assistant|AI|Bot|ChatGPT|Claude|Gemini|Copilot|Model|Response)"
_SPEAKER = re.compile(
    rf"^(?:#{{1,6}}[ \t]+{_WHO}:?[ \t]*$|(?:\*\*|__){_WHO}(?::(?:\*\*|__)|(?:\*\*|__):))",
    re.IGNORECASE | re.MULTILINE,
)
_ASKS = re.compile(_WHO_ASKS, re.IGNORECASE)


def _end_of(text: str) -> int:
    """The end of the first passage of a text."""
    if len(text) <= LONGEST:
        return len(text)
    for at, pattern in enumerate(_ENDS):
        last = max((one.end() for one in pattern.finditer(text, 0, LONGEST)), default=0)
        if last > (0 if not at else LONGEST // 4):
            return last
    return LONGEST + text.startswith("\n", LONGEST)


NO_RECORDS = (
    "this is text without records; expected JSON lines, a JSON array, CSV, Excel or Parquet. To train on the "
    'text itself, name the file .txt or .md, or write each passage as a line {"input": "…"}'
)
_CONVERSATION = (
    "this is a conversation in one text; write each question with its answer as a record, or all turns as "
    "messages"
)

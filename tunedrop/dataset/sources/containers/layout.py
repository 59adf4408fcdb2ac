"""Detects the layout of a text's records from its beginning: lines, an array, a table."""

from __future__ import annotations

import json
import re
from typing import Literal

from tunedrop.dataset.formats import names
from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import delimited, documents, json_values

Layout = Literal["lines", "array", "values", "wrapped", "object", "lists", "strings", "table", "document"]

_LINES = (".jsonl", ".ndjson")
_LINE = re.compile(r"[^\r\n]*")
_BEGINS_RECORD = re.compile(r"^[ \t]*\{[ \t]*\"", re.MULTILINE)
_CELLS = re.compile(r"[,;\t|\x1f^]")
_LINES_OF_PROSE = 20
_SPEAKERS = ("role", "from")
_HOLDS = re.compile(r'\{\s*"[^"\\]{1,80}"\s*:\s*(?:[\[{]|"[^"\\]{0,80}"\s*,|\d+(?:\.\d+)?\s*,)')
"""The beginning of an object whose first value is a list, an object, or a short value such as a version."""
_YAML = re.compile(r"^(?:---\s*$|- \w+:(?:\s|$)|\w+:\s*$)", re.MULTILINE)
_YAML_RECORD = re.compile(r"- (\w{1,30}):\s")
_CHAT_LOG = re.compile(
    r"\[?\d{1,2}:\d{2}(?::\d{2})?\]?\s+(?:<[ @+%&~]?[^>\s]{1,60}> |From .{1,60}?: )"  # IRC and Zoom
    r"|[\u200e\u200f]?\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? \d{1,2}:\d{2}(?::\d{2})?"  # the time
    r"(?:\s?[AaPp]\.?[Mm]\.?)?\]?(?: -)? [^:,]{1,60}: "  # who speaks
    r"|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}, \d{1,2}:\d{2}(?:\s?[AaPp]\.?[Mm]\.?)? - "  # WhatsApp notices
)
_COMMENTS = re.compile(r"(?:\s*(?:(?://|#)[^\n]*|/\*.*?\*/))*\s*", re.DOTALL)
_TURNS = re.compile(r'\{\s*"conversations"\s*:\s*\[\s*\{\s*"(?:from|value|role|content|weight)"')
_SCRIPT = re.compile(
    r"(?:window\.[\w.]+ ?=|(?:export )?(?:const|let|var) \w+ ?=|module\.exports ?=|export default )"
)
_BEFORE_RECORD = re.compile(r"^[^{\n]{1,80}\{[ \t]*\"\"?\w", re.MULTILINE)


def layout_of(sample: str, name: str, whole: bool) -> Layout:
    """The layout of a text, from its beginning.

    Parameters
    ----------
    name
        The name of the file, which decides if the text is ambiguous.
    whole
        Whether the sample is the whole text.

    Raises
    ------
    NotReadable
        If the text contains no records.
    """
    begun = sample.lstrip("\ufeff \t\r\n\x1e")
    if not begun.strip("\0"):
        return "lines"  # an empty file, which the check reports
    first = _LINE.match(begun)
    line = first[0].rstrip() if first else ""
    is_cut = len(line) >= len(begun) and not whole
    if sample.lstrip("\ufeff \t\r\n").startswith("\x1e"):
        return "values"  # a JSON text sequence, RFC 7464
    is_prose = documents.is_prose(sample, name)
    if begun[0] == "{" and not is_prose:
        return "object" if _is_object(begun, name, whole) else _of_objects(begun, line, is_cut)
    if _CHAT_LOG.match(line) and not _BEFORE_RECORD.match(line):
        raise NotReadable(
            "this is a chat log with one message per line; write each question with its answer as a record"
        )
    if begun[0] != "{" and name.lower().endswith(".toml"):
        raise NotReadable("this is TOML; export it as JSON lines or CSV")
    if begun[0] == "[" and begun[1:].lstrip().startswith(("//", "/*", "#")):
        raise NotReadable("JSON has no comments, and this array has some; remove them")
    if _SCRIPT.match(line):
        raise NotReadable("this is JavaScript; keep only the JSON in it")
    if begun[0] in "/#" and _COMMENTS.sub("", begun).startswith("[{" if is_prose else "["):
        raise NotReadable("JSON has no comments, and this array has some; remove them")
    if begun[0] == "[" and not is_prose:
        if _is_of_lists(begun, line, is_cut):
            return "lists"
        return "array" if _is_array(begun, whole) else "lines"
    if begun[0] == '"' and _is_json_in_a_string(line, is_cut):
        return "strings"
    return _of_words(begun, name, is_prose)


def _of_objects(begun: str, line: str, is_cut: bool) -> Layout:
    if json_values.WRAPPER.match(begun):
        if _is_whole_record(line):
            return "lines"
        if not _is_one_of_several(begun) and not _TURNS.match(begun):
            return "wrapped"
    if is_cut or _is_json(line):
        after = begun[len(line) : len(line) + 1]
        return (
            "values" if after == "\r" and begun[len(line) + 1 : len(line) + 2] not in ("\n", "") else "lines"
        )
    if _several(line):
        return "values"
    return "lines" if _looks_whole(line) else "values"


def _is_one_of_several(begun: str) -> bool:
    """Whether another object follows the first."""
    try:
        end = json.JSONDecoder().raw_decode(begun)[1]
    except (ValueError, RecursionError):
        return False
    return begun[end:].lstrip(" \t\r\n,;").startswith("{")


def _is_object(begun: str, name: str, whole: bool) -> bool:
    """Whether the text is a single object, which may contain all records."""
    if whole:
        try:
            return isinstance(json.loads(begun), dict)
        except (ValueError, RecursionError):
            return False
    return name.lower().endswith(".json") and _HOLDS.match(begun) is not None


def _is_of_lists(begun: str, line: str, is_cut: bool) -> bool:
    """Whether records are lists: conversations as lists of messages, rows as lists of cells."""
    if begun[1:].lstrip().startswith("["):
        return True
    if is_cut or not _is_json(line):
        return False
    first = json.loads(line)
    rest = begun[len(line) :].lstrip()
    is_message = bool(first) and isinstance(first[0], dict) and not first[0].keys().isdisjoint(_SPEAKERS)
    return is_message or (rest.startswith("[") and bool(first) and isinstance(first[0], str))


def _looks_whole(line: str) -> bool:
    """Whether a line that is not JSON is a complete record with an error, not the beginning of one."""
    return line.endswith("}") and line.count("{") <= line.count("}") + 1


def _several(line: str) -> bool:
    """Whether a line begins with several values in a row."""
    try:
        end = json.JSONDecoder().raw_decode(line)[1]
    except (ValueError, RecursionError):
        return False
    return line[end:].lstrip(" \t,;\u2028\u2029\x85")[:1] == "{"


def _is_whole_record(line: str) -> bool:
    """Whether a line that could be an object with all records is one record among others."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and bool(record.keys() & {"conversations", "messages"})


def _is_array(begun: str, whole: bool) -> bool:
    """Whether the text is an array of records, and not prose in brackets."""
    inside = begun[1:].lstrip()
    if inside[:1] in ("{", "]", '"', "[") or (not inside and not whole):
        return True
    return not _BEGINS_RECORD.search(begun)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_in_a_string(line: str, is_cut: bool) -> bool:
    if is_cut:
        return line.startswith(('"{\\"', '"[{\\"', '"[\\n'))
    try:
        return json_values.unquoted(line) is not None
    except NotReadable:
        return True


def _of_words(begun: str, name: str, is_prose: bool) -> Layout:
    """The layout of a text that does not begin with JSON: a table, or prose around the records."""
    is_table = delimited.is_table(name)
    lines = begun.splitlines()[:_LINES_OF_PROSE]
    records = sum(_BEGINS_RECORD.match(line) is not None for line in lines)
    if is_prose and (records * 2 < len(lines) or name.lower().endswith((".md", ".markdown"))):
        _refuse_others(begun, name, lines)
        return "document"
    if records and not is_table:
        return "lines"
    if not is_table:
        _refuse_others(begun, name, lines)
    elif _MARKUP[0].match(begun):
        raise NotReadable(_MARKUP[1])
    if is_table or any(_CELLS.search(line) for line in lines[:5]):
        return "table"
    if name.lower().endswith(_LINES):
        return "lines"  # each is listed with its problem
    if len(lines) > 1 and len(lines[0]) <= 40 and " " not in lines[0].strip():
        return "table"  # a table with one column
    raise NotReadable(documents.NO_RECORDS)


def _refuse_others(begun: str, name: str, lines: list[str]) -> None:
    if name.lower().endswith((".md", ".markdown")):
        return  # it may begin with HTML or anything else
    if name.lower().endswith((".yaml", ".yml")) and _YAML.search(begun):
        raise NotReadable("this is YAML; export it as JSON lines or CSV")
    if (key := _YAML_RECORD.match(begun)) and names.plain(key[1]) in {*names.PROMPTS, *names.ANSWERS}:
        raise NotReadable("this is YAML; export it as JSON lines or CSV")
    for pattern, what in _OTHERS:
        if pattern.match(begun):
            raise NotReadable(what)
    before = [line for line in lines if _BEFORE_RECORD.match(line)]
    if name.lower().endswith((*_LINES, ".json", ".log")) and len(before) * 2 > len(lines):
        shown = before[0].partition("{")[0]
        raise NotReadable(
            f"{shown!r} precedes each record; a line must contain one JSON object and nothing else"
        )


_MARKUP = (
    re.compile(r"<[A-Za-z][\w:-]*[\s>]"),
    "this is XML or HTML; export the records as JSON lines or CSV",
)
_OTHERS = (
    (
        re.compile(r"(?:WEBVTT|(?:\d+\r?\n)?\d\d:\d\d:\d\d[,.]\d{3} --> )"),
        "these are subtitles; write each question with its answer as a record",
    ),
    (
        re.compile(
            r"From \S+ .+\d\d:\d\d:\d\d|(?:[A-Z][\w-]*: .*\r?\n(?:[ \t].*\r?\n)*)*?(?:Subject|MIME-Version): "
        ),
        "this is a mailbox or a message; write each question with its answer as a record",
    ),
    (
        re.compile(r"(?i)(?:--.*\n|\s)*(?:INSERT\s+INTO|CREATE\s+TABLE|DROP\s+TABLE|BEGIN\s+TRANSACTION)\b"),
        "this is SQL; export the table as CSV",
    ),
    (
        re.compile(r"__label__\S+ "),
        "this is fastText's format; write each text with its label into a table with columns text and label",
    ),
    (
        re.compile(
            r"\A(?:-DOCSTART-.*\n\s*+)?(?=(?:.*\n){0,40}?\S+[ \t](?:.*[ \t])?[BISU]-[A-Z][\w-]*\r?\n)"
            r"(?:(?!-)\S+(?:[ \t]\S+){0,8}[ \t](?:O|[BIESLU]-[\w-]+)[ \t]*\r?\n){2}"
        ),
        "these are words with their labels (CoNLL); write each text, and what is to be learned of it, as "
        "prompt and completion",
    ),
    (
        re.compile(r"\A(?:#.*\n|\s)*+msgid \""),
        "these are translations (gettext); write each msgid as prompt and its msgstr as completion",
    ),
    (
        re.compile(r"data: ?\{"),
        "these are server-sent events; remove 'data: ' before each record, and the line [DONE]",
    ),
    (
        re.compile(r"\A(?:/\*O_o\*/\s*)?[A-Za-z_$][\w.$]*\([\[{]"),
        "this is JSON inside a call of JavaScript; keep only the JSON in it",
    ),
    (
        re.compile(r"\A(?:(?:import|from) [\w.]+.*\n|\s|#.*\n)*[A-Za-z_]\w* = [\[{(]"),
        "this is a Python program; write its records with json.dumps, one on each line",
    ),
    (
        re.compile(r"#separator:"),
        "these are notes exported from Anki; remove the lines that begin with #, and name the columns by "
        "number: --column prompt=1 --column completion=2",
    ),
    (
        re.compile(r"\A[^\n]* (?:__eou__|\+\+\+\$\+\+\+) "),
        "these are dialogues in the form of DailyDialog or of the Cornell corpus; write the turns of each as "
        "messages with role and content",
    ),
    _MARKUP,
)
"""Beginnings of texts that are not tables, with what to do."""

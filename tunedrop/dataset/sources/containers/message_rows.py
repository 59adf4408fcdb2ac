"""Joins the rows of tables with one message per row: the rows of a conversation become one record.

| column | names |
| --- | --- |
| the conversation | `conversation_id`, `dialogue_id`, `ticket_id`, … |
| who speaks | `role`, `speaker`, `sender`, … |
| what is said | `content`, `text`, `message`, … |
| its place, where there is one | `turn`, `position`, `timestamp`, … |

The rows of a conversation must be consecutive; a separate row is an error, because the conversation would be
learned without it. Other columns stay with their message. Source: exports of help desks, and Taskmaster's and
other dialogue data sets on Kaggle and Hugging Face. Read 2026-11-30.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from tunedrop.dataset.formats import names, naming, unreadable
from tunedrop.dataset.rules.record import MOST_MESSAGES

_WHICH = (
    "conversation_id", "conv_id", "convo_id", "dialogue_id", "dialog_id", "chat_id", "session_id",
    "thread_id", "ticket_id", "case_id", "call_id",
)  # fmt: skip
WHO = (
    "role", "speaker", "sender", "from", "author", "participant", "sender_type", "speaker_role",
    "author_type",
)  # fmt: skip
SAID = ("content", "text", "message", "utterance", "body")
_WHERE = (
    "turn", "turn_id", "turn_number", "turn_index", "turn_no", "turn_idx", "message_index", "message_number",
    "message_no", "utterance_idx", "utterance_index", "utterance_number", "position", "sequence", "seq",
    "order", "timestamp", "created_at", "created", "sent_at", "datetime", "date", "time",
)  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?")
"""Matches dates whose order is that of their texts."""


class Columns(NamedTuple):
    """The columns of a table with one message per row; `place` is empty if there is none."""

    conversation: str
    speaker: str
    text: str
    place: str


def columns(titles: Sequence[str]) -> Columns | None:
    """The roles of the columns; None for other tables, such as those with an answer next to each message."""
    if naming.Keys(tuple(titles)).answer:
        return None
    there = {names.plain(one): one for one in reversed(titles)}
    found = [
        next((there[name] for name in some if name in there), "") for some in (_WHICH, WHO, SAID, _WHERE)
    ]
    return Columns(*found) if all(found[:3]) else None


def joined(lines: Iterator[tuple[int, bytes]], tell: Callable[[str], object]) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each conversation if the rows are messages; else the lines unchanged.

    Parameters
    ----------
    tell
        Called once with a description if rows are joined.
    """
    for number, line in lines:
        if unreadable.read(line) is None:
            found = columns(tuple(msgspec.json.decode(line)))
            rest: Iterator[tuple[int, bytes]] = itertools.chain([(number, line)], lines)
            if found is not None:
                tell(f"rows joined by {found.conversation}")
                rest = _conversations(rest, found)
            yield from rest
            return
        yield number, line


def _conversations(lines: Iterator[tuple[int, bytes]], found: Columns) -> Iterator[tuple[int, bytes]]:
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    first, current = 0, ""
    for number, line in lines:
        if unreadable.read(line) is not None:
            yield number, line
            continue
        record = msgspec.json.decode(line)
        which = str(record.get(found.conversation) or "")
        if rows and which == current and len(rows) < MOST_MESSAGES:
            rows.append(record)
            continue
        if why := _why_alone(which, seen, current, found):
            yield number, unreadable.written("TD009", why)
            continue
        if rows:
            yield first, _conversation(rows, found)
        seen.add(which)
        rows, first, current = [record], number, which
    if rows:
        yield first, _conversation(rows, found)


def _why_alone(which: str, seen: Collection[str], current: str, found: Columns) -> str:
    """Why a row cannot begin a conversation; empty if it can."""
    if not which:
        return f"the row has no {found.conversation}, so its conversation is not known; remove it, or add one"
    if which == current:
        return f"the conversation {which} has more than {MOST_MESSAGES:,} messages; divide it"
    if which not in seen:
        return ""
    by = f"{found.conversation} and {found.place}" if found.place else found.conversation
    return f"the row stands apart from the others of its conversation ({which}); sort the table by {by}"


def _conversation(rows: list[dict[str, Any]], found: Columns) -> bytes:
    """The messages of the rows, ordered by their places if all have one."""
    places = [_place(row.get(found.place)) for row in rows]
    if found.place and None not in places and len({type(one) for one in places}) == 1:
        rows = [row for _, row in sorted(zip(places, rows, strict=True), key=lambda one: one[0])]
    used = (found.conversation, found.speaker, found.text)
    turns = [
        {
            "from": row.get(found.speaker),
            "value": row.get(found.text),
            **{key: one for key, one in row.items() if key not in used and one not in (None, "")},
        }
        for row in rows
    ]
    return msgspec.json.encode({found.conversation: rows[0][found.conversation], "conversations": turns})


def _place(value: Any) -> Any:
    """A number or date by which rows can be sorted; None for anything else."""
    text = str(value).strip()
    if _DATE.fullmatch(text):
        return text
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

"""Explains why no column of a table can be identified as the prompt or the answer, and what to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tunedrop.dataset.formats import names, unknown
from tunedrop.dataset.sources.containers import message_rows

_WHO = (*message_rows.WHO, "author_id", "speaker_idx", "speaker_id", "is_from_me")
"""Columns of a table with one message per row that does not identify the assistant."""


def why(rows: Sequence[Sequence[str]], wanted: Mapping[str, str]) -> str:
    """The reason in words; `wanted` are the columns that the user has named."""
    first = next((row for row in rows if any(row)), ())
    if not first:
        return (
            "no row can be read: there is text outside a cell's quotes, as between cells that spaces "
            "separate; separate the cells with commas or tabs"
        )
    there = ", ".join(_shown(one) for one in first) or "none"
    plain_ = {names.plain(one) for one in first}
    if not wanted and not plain_.isdisjoint(_WHO) and not plain_.isdisjoint(message_rows.SAID):
        return (
            "a row is one message, not a record; put each question with its answer into one row, or say in "
            "a column conversation_id to which conversation each row belongs"
        )
    if wanted:
        titles = {names.plain(one) for one in first}
        missing = next((name for name in wanted.values() if names.plain(name) not in titles), "")
        return f"no column {missing!r}; the columns are {there}"
    if max(map(len, rows), default=0) == 1:
        return _one_column(first, there)
    near = [found for one in first if (found := unknown.part_of(one))]
    if not near and not wanted and _is_prose(rows):
        return (
            "the rows have different numbers of cells, like sentences with commas: this is text without "
            "records; expected JSON lines, a JSON array, CSV, Excel or Parquet"
        )
    what = "no column has a usual name for a prompt or an answer"
    if near:
        what = "; ".join(near)
        if not (" a prompt" in what and " an answer" in what):
            what += ", but no other column has a usual name for what goes with it"
    return (
        f"{what}; the first row is {there}: name the columns "
        "with --column prompt=NAME --column completion=NAME (data.columns in a manifest), or by number "
        "from 1 if the first row is already a record"
    )


def _is_prose(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the rows have as many different widths as lines of text, which no table has."""
    widths = Counter(len(row) for row in rows if any(row))
    return len(widths) > 2 and max(widths.values()) <= sum(widths.values()) / 2


def _one_column(first: Sequence[str], there: str) -> str:
    """Describes a table with a single column."""
    title = first[0] if first else ""
    if _SEPARATED.search(title):
        return f"each row is quoted as a whole: the first is {there}; remove the quotes around the rows"
    if unknown.part_of(title):
        return f"the only column is {there}; prompts and answers need two columns, plain text one named text"
    return (
        f"the rows have one cell each, and the first is {there}: this is text without records; expected JSON "
        "lines, a JSON array, CSV, Excel or Parquet"
    )


_SEPARATED = re.compile(r"\w[,;\t|]\w")


def _shown(cell: str) -> str:
    text = cell.strip()
    return repr(text if len(text) <= 30 else f"{text[:29]}…")

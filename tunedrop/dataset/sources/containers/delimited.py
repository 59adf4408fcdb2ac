"""Reads CSV and TSV in the dialects of spreadsheets and databases."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

import msgspec

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import tables
from tunedrop.dataset.sources.containers.tables import Columns

if TYPE_CHECKING:
    import _csv

MAX_CELL = 4 << 20
_SAMPLE = 1 << 16
_SEPARATORS = (",", "\t", ";", "|", "\x1f", "^")
_SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)

_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
_REASONS = {
    "expected after": "a quote inside a quoted cell is not doubled, or there is text outside the quotes",
    "unexpected end of data": "a quoted cell is never closed: it contains the rest of the file",
    "field larger than": (
        f"a cell is longer than {MAX_CELL:,} characters, as if a quote is not closed; the rest was not read"
    ),
}


class Dialect(msgspec.Struct, frozen=True):
    """How cells are separated and quoted; `spaced`: a space follows each separator.

    Without `doubled`, a backslash escapes a quote in a cell; without `quote`, quotes are ordinary text.
    """

    separator: str
    quote: str = '"'
    doubled: bool = True
    spaced: bool = False

    @property
    def shown(self) -> str:
        """The separator in words."""
        return _NAMES.get(self.separator, self.separator)

    def reader(self, lines: Iterable[str]) -> _csv.Reader:
        """The rows of such lines."""
        csv.field_size_limit(MAX_CELL)
        return csv.reader(
            lines,
            delimiter=self.separator,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=self.doubled,
            escapechar=None if self.doubled else "\\",
            skipinitialspace=self.spaced,
            strict=True,
        )


class Table(msgspec.Struct, frozen=True):
    """A delimited text with its dialect and columns; `first` is the line on which its rows begin."""

    dialect: Dialect
    columns: Columns
    first: int = 1


def is_table(name: str) -> bool:
    """Whether a file's name is that of a table, compressed or not."""
    return name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".tab", ".psv"))


def table_of(sample: str, wanted: Mapping[str, str], whole: bool) -> Table:
    """The dialect and the columns of a delimited text, from its beginning.

    Parameters
    ----------
    whole
        Whether the sample is the whole text; otherwise its last line may be cut off.

    Raises
    ------
    NotReadable
        If no column can be identified as the prompt.
    """
    lines = sample.splitlines(keepends=True)
    first = 1
    if lines and (said := _SEP_LINE.fullmatch(lines[0])):
        separators: tuple[str, ...] = (said[1],)
        lines, first = lines[1:], 2
    else:
        separators = tuple(one for one in _SEPARATORS if one in sample) or (",",)
    if not whole and len(lines) == 1:
        raise NotReadable(
            f"the first row is longer than {_SAMPLE:,} characters; keep the columns that matter"
        )
    if not whole:
        lines = lines[:-1]
    best: tuple[tuple[float, bool], Table] | None = None
    refused: NotReadable | None = None
    for dialect in _dialects(separators, sample):
        rows = list(_parsed(dialect, lines))
        try:
            found = tables.columns(rows, wanted)
        except NotReadable as error:
            if refused is None or (rows and len(rows[0]) > 1):
                refused = error
            continue
        fits = sum(len(row) == len(found.keys) for row in rows[found.header :])
        score = (fits / max(1, len(rows) - found.header), len(found.keys) > 1)
        if best is None or score > best[0]:
            best = score, Table(dialect, found, first)
    if best is None:
        raise refused or NotReadable("the file has no rows")
    return best[1]


def _dialects(separators: Collection[str], sample: str) -> Iterator[Dialect]:
    quotes: tuple[str, ...] = ('"', "'") if sample.lstrip().startswith("'") else ('"',)
    if _are_single_quoted(sample):
        quotes = ("'",)
    for separator, quote in itertools.product(separators, quotes):
        if _are_spaced(sample, separator):
            yield Dialect(separator, quote, spaced=True)
        yield Dialect(separator, quote)
        if f"\\{quote}" in sample:
            yield Dialect(separator, quote, doubled=False)
    if "\t" in separators and not _QUOTED.search(sample):
        yield Dialect("\t", "")


def _are_spaced(sample: str, separator: str) -> bool:
    """Whether each row except the header has a quoted cell after a separator and a space."""
    rows = [row for row in sample.splitlines()[1 : _ROWS_LOOKED_AT + 1] if row.strip()]
    return bool(rows) and all(f'{separator} "' in row and row.rstrip().endswith('"') for row in rows)


def _are_single_quoted(sample: str) -> bool:
    """Whether all rows except the header have their cells in single quotes."""
    rows = sample.splitlines()[1:]
    return bool(rows) and all(_SINGLE.match(row) for row in rows[:_ROWS_LOOKED_AT] if row.strip())


_ROWS_LOOKED_AT = 20
_SINGLE = re.compile(r"'(?:[^']|'')*'\s*[,;\t|]\s*'(?:[^']|'')*'")
_QUOTED = re.compile(r'(?:^|\t)"[^"\t\r\n]*"(?:\t|\r|\n|$)', re.MULTILINE)
"""A completely quoted cell, which shows that quotes have a meaning in this table."""


def _parsed(dialect: Dialect, lines: list[str]) -> Iterator[list[str]]:
    """The rows of a sample; an unreadable row is empty."""
    reader = dialect.reader(lines)
    while True:
        try:
            yield next(reader)
        except csv.Error:
            yield []
        except StopIteration:
            return


def rows(text: TextIO, table: Table) -> Iterator[tuple[int, list[str] | str]]:
    """(line, cells) of each row after the header, or the reason why it cannot be read; the row begins on
    `line`."""
    lines = itertools.islice(text, table.first - 1, None)
    reader, ended = table.dialect.reader(lines), table.first - 1
    titles = table.columns.titles
    is_markdown = table.dialect.separator == "|" and len(titles) > 2 and not titles[0] and not titles[-1]
    is_lost = False
    for index in itertools.count(1):
        try:
            cells: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells = next((why for words, why in _REASONS.items() if words in str(error)), str(error))
            is_lost = "field larger than" in str(error)
        line, ended = ended + 1, table.first - 1 + reader.line_num
        if is_markdown and isinstance(cells, list):
            cells = [cell.strip() for cell in cells]
        if index > table.columns.header:
            yield line, cells
        if is_lost:
            return

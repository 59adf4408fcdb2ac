"""One reader for all containers: converts a file to JSON lines, with the original place of each.

JSON lines in UTF-8 are not converted; the check reads the original. Everything else is written again, one
record per line. Anything that cannot be read becomes a line that says so (`unreadable`), so that every record
is either written or listed.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import BinaryIO, TextIO, cast

import msgspec

from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import (
    delimited,
    documents,
    encoding,
    isolated,
    json_values,
    kinds,
    memory,
    message_rows,
    packed,
    spreadsheets,
    tables,
    text_lines,
    whole_object,
)
from tunedrop.dataset.sources.containers.layout import Layout, layout_of
from tunedrop.dataset.sources.containers.places import Places
from tunedrop.dataset.types import ReadOptions, Source
from tunedrop.intake.file_names import by_split

MOST_BYTES = 16 << 30
"""Bedrock accepts 10 GB; a file that unpacks to more than this is a mistake or an attack."""
MOST_IN_MEMORY_MAPS = 1 << 30
"""A workbook or a packed Parquet file that unpacks to more is refused."""
MOST_TIMES = 500
"""Maximum decompression ratio of files that unpack to more than 1 GB; texts compress about 20:1."""
MOST_LAYERS = 3
_IN_MEMORY = 8 << 20
_AT_ONCE = 1 << 20


def oversize(sources: Iterable[Source]) -> str:
    """Why the files of a dataset are too large in all; empty if they are not."""
    if (size := sum(one.size for one in sources)) <= MOST_BYTES:
        return ""
    return f"the data files are {size:,} bytes; a dataset is at most {MOST_BYTES >> 30} GB: upload less"


class Reading(msgspec.Struct, kw_only=True):
    """How a file was read.

    Attributes
    ----------
    steps
        What was done, for people: `gzip`, `CSV separated by ;`.
    warnings
        (code, message) of what the user should check: guesses, and what was left out.
    places
        The original place of each line; None if it has not changed.
    """

    steps: list[str] = []
    warnings: list[tuple[str, str]] = []
    places: Places | None = None


def read(
    file: BinaryIO, name: str, sink: BinaryIO, options: ReadOptions, most_bytes: int = MOST_BYTES
) -> Reading:
    """Write the records of a file as JSON lines; nothing if it already consists of JSON lines in UTF-8.

    Parameters
    ----------
    file
        A seekable file, which is read from its beginning.
    name
        Its name, which decides the layout of its records if the bytes are ambiguous.
    most_bytes
        The maximum size of the JSON lines.

        The output for a file that contains no records, is damaged or becomes too large ends with a line that
        says so.
    """
    most_bytes = min(most_bytes, max(MOST_IN_MEMORY_MAPS, MOST_TIMES * _size(file)))
    with ExitStack() as stack:
        reader = _Reader(name, sink, options, most_bytes, stack)
        try:
            with memory.limited():
                reader.file(file, layers=0)
        except NotReadable as error:
            reader.give_up(error)
        except MemoryError:
            reader.give_up(
                NotReadable(
                    f"it takes more than {memory.MOST >> 20:,} MB of memory to read; write it as JSON lines, "
                    "one short line for each record"
                )
            )
    return reader.reading


class _Reader:
    def __init__(
        self, name: str, sink: BinaryIO, options: ReadOptions, most_bytes: int, stack: ExitStack
    ) -> None:
        self._stack = stack
        self._name, self._sink, self._options, self._most = name, sink, options, most_bytes
        self._unpacked = packed.Unpacked(MOST_LAYERS * most_bytes)
        self._written = 0
        self._blank: list[int] = []
        self.reading = Reading()

    def file(self, file: BinaryIO, layers: int) -> None:
        if layers > MOST_LAYERS:
            raise NotReadable("it is an archive inside archives; unpack it")
        file.seek(0)
        kind = kinds.kind_of(file.read(kinds.HEAD))
        file.seek(0)
        if kind == "text":
            self._text(file, layers)
        elif kind == "zip":
            self._zip(self._at_hand(file, layers), layers)
        elif kind in ("parquet", "arrow"):
            self._did("Parquet" if kind == "parquet" else "Arrow")
            self._rows(isolated.read(kind, self._at_hand(file, layers), self._options.columns))
        else:
            self._did(kind)
            unpacked = packed.limited(packed.decompressed(kind, file), self._most, self._unpacked)
            self.file(unpacked, layers + 1)

    def give_up(self, error: NotReadable) -> None:
        """Write a line that says why the file could not be read, or not any further."""
        self._places().add(0)
        self._sink.write(unreadable.written(error.code, str(error)) + b"\n")

    def _at_hand(self, file: BinaryIO, layers: int) -> BinaryIO:
        """A seekable file: the original, or an unpacked copy on disk."""
        if not layers:
            return file
        kept = self._stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        limited = packed.limited(file, min(MOST_IN_MEMORY_MAPS, self._most))
        while piece := limited.read(1 << 20):
            kept.write(piece)
        kept.seek(0)
        return cast(BinaryIO, kept)

    @contextmanager
    def _given_back(self) -> Iterator[None]:
        """Delete the copies that are unpacked to disk in this block: an archive may have thousands of
        members."""
        before = self._stack
        with ExitStack() as self._stack:
            yield
        self._stack = before

    def _zip(self, file: BinaryIO, layers: int) -> None:
        with packed.archive_of(file) as archive:
            if packed.is_workbook(archive):
                spreadsheets.check_size(archive, min(MOST_IN_MEMORY_MAPS, self._most))
                if spreadsheets.has_formulas_without_values(archive):
                    self._warn("TD008", spreadsheets.NO_VALUES)
                self._workbook(file)
                return
            self._did("ZIP")
            members = list(packed.members(archive))
            for member in members:
                self._begin(member.filename)
                self._name = member.filename
                inside = packed.member_of(archive, member, self._most, self._unpacked)
                with inside as unpacked, self._given_back():
                    self.file(unpacked, layers + 1)

    def _workbook(self, file: BinaryIO) -> None:
        self._did("Excel workbook")
        whys, taken, book = [], 0, spreadsheets.Workbook(file)
        sheets = list(book.sheets(self._options.columns))
        parts = by_split([name for name, columns, _ in sheets if not isinstance(columns, str)])
        if len(parts) > 1:
            several = f"the workbook contains several parts of a dataset ({', '.join(parts)})"
            raise NotReadable(f"{several}; save each as its own file")
        for name, columns, sheet in sheets:
            if isinstance(columns, str):
                whys.append((name, columns))
                continue
            taken += 1
            if name in book.hidden:
                self._warn("TD008", f"the sheet {name!r} is hidden, but its rows are used as records")
            self._begin(name)
            self._columns(columns)
            self._rows(spreadsheets.read(sheet, columns, self._blank.append))
        if not taken:
            why = "; ".join(f"sheet {name!r}: {why}" for name, why in whys)
            raise NotReadable(why or "the workbook is empty")
        for name, why in whys:
            self._warn("TD008", f"the sheet {name!r} was left out: {why}")

    def _text(self, file: BinaryIO, layers: int) -> None:
        size = None if layers else _size(file)
        found = encoding.of_text(file, size, self._options.encoding)
        text = encoding.opened(file, found)
        try:
            sample = text.read(kinds.HEAD)
            layout = layout_of(sample, self._name, whole=len(sample) < kinds.HEAD)
            is_plain = found.is_utf8 and not (found.mark or layers or self._options.columns)
            if layout == "lines" and is_plain:
                return
            self._about(found)
            text = encoding.opened(file, found)
            self._of_layout(layout, text, sample)
        except UnicodeError as error:
            raise NotReadable(
                f"the text is not {found.name}: {error}; give its encoding with --encoding"
            ) from error

    def _of_layout(self, layout: Layout, text: TextIO, sample: str) -> None:
        if layout in ("table", "document"):
            self._table(text, documents.table_of(sample, self._name, self._options.columns))
        elif layout == "lines":
            self._take(self._renamed(text_lines.lines(text)))
        elif layout == "object":
            self._object(text)
        elif layout == "lists":
            self._did("JSON lists")
            self._take(self._renamed(json_values.lists(text)))
        elif layout == "strings":
            self._did("JSON encoded twice")
            self._take(self._renamed(text_lines.strings(text)))
        else:
            self._did("JSON array" if layout == "array" else "multi-line JSON")
            found = json_values.values(
                text, wrapped=layout == "wrapped", tell=lambda what: self._warn("TD008", what)
            )
            self._take(self._renamed(found))

    def _table(self, text: TextIO, table: delimited.Table | None) -> None:
        """Write the rows of a table, or the passages of a text that is not a table."""
        self._did(f"table separated by {table.dialect.shown}" if table else "plain text")
        if table is None:
            self._take(documents.passages(text))
            return
        self._columns(table.columns)
        self._rows(tables.records(delimited.rows(text, table), table.columns, self._blank.append))

    def _object(self, text: TextIO) -> None:
        """Write the records in a single object, or the object if it is a record."""
        # In pieces: Python's reader allocates at once as much as it is asked for.
        pieces = iter(lambda: text.read(_AT_ONCE), "")
        body = "".join(islice(pieces, whole_object.MOST_BYTES // _AT_ONCE))
        try:
            held = whole_object.held(msgspec.json.decode(body))
        except (msgspec.DecodeError, RecursionError):
            held = None
        if held is None:
            self._take(self._renamed(json_values.values(io.StringIO(body))))
            return
        self._did("one JSON object")
        for what in held.left_out():
            self._warn("TD008", what)
        lines = ((number, tables.encoded(one)) for number, one in enumerate(held.records, start=1))
        self._take(self._renamed(lines))

    def _about(self, found: encoding.Encoding) -> None:
        if not found.is_utf8 or found.mark:
            self._did("UTF-8 with a byte-order mark" if found.is_utf8 else found.name)
        if found.is_guess:
            self._warn("TD008", found.guess)

    def _take(self, lines: Iterator[tuple[int, bytes]]) -> None:
        places = self._places()
        for original, line in lines:
            self._written += len(line) + 1
            if self._written > self._most:
                raise NotReadable(f"it becomes more than {self._most >> 20:,} MB of JSON lines")
            places.add(original)
            self._sink.write(line + b"\n")
        if self._blank:
            self._did(f"{len(self._blank):,} empty rows left out")
            self._blank.clear()

    def _rows(self, lines: Iterator[tuple[int, bytes]]) -> None:
        """Write the records of a table: one per row, or one per conversation."""
        self._take(lines if self._options.columns else message_rows.joined(lines, self._did))

    def _renamed(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        if not self._options.columns:
            return lines
        return ((place, text_lines.renamed(line, self._options.columns)) for place, line in lines)

    def _places(self) -> Places:
        if self.reading.places is None:
            self.reading.places = Places()
        return self.reading.places

    def _begin(self, member: str) -> None:
        self._places().begin(member)

    def _columns(self, found: tables.Columns) -> None:
        for name, key in found.renamed:
            self._did(f"column {name!r} as {key}")
        if found.skipped:
            rows = ", ".join(map(str, found.skipped))
            self._warn("TD008", f"row {rows} before the header is not a record and was left out")

    def _did(self, what: str) -> None:
        if what not in self.reading.steps:
            self.reading.steps.append(what)

    def _warn(self, code: str, message: str) -> None:
        self.reading.warnings.append((code, message))


def _size(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)

"""Reads Excel workbooks (.xlsx) row by row with openpyxl, which keeps error values and never holds a whole
sheet."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import cell_values, packed, tables
from tunedrop.dataset.sources.containers.tables import Columns


def check_size(archive: zipfile.ZipFile, most: int) -> None:
    """Refuse a workbook that unpacks to too many bytes.

    Raises
    ------
    NotReadable
        If its parts have more than `most` bytes in total, or its texts more than may be kept in memory.
    """
    texts = _texts_in(archive)
    if sum(one.file_size for one in archive.infolist() if f"/{one.filename}" in texts) > MOST_TEXTS:
        raise NotReadable(f"the workbook's texts unpack to more than {MOST_TEXTS >> 20:,} MB; save it as CSV")
    if sum(one.file_size for one in archive.infolist()) > most:
        raise NotReadable(f"the workbook unpacks to more than {most >> 20:,} MB; save it as CSV")


def _texts_in(archive: zipfile.ZipFile) -> set[str]:
    """The parts of a workbook with its texts, under any name."""
    listed = [one for one in archive.infolist() if one.filename == "[Content_Types].xml"]
    if not listed:
        return set()
    with packed.member_of(archive, listed[-1], MOST_SHEET) as types:
        found = re.findall(r"<(?:\w+:)?Override\b([^>]*)>", types.read(_LOOKED_AT).decode(errors="replace"))
    names = (re.search(r"\bPartName\s*=\s*[\"']([^\"']*)", one) for one in found if "sharedStrings" in one)
    return {name[1] for name in names if name is not None}


_NO_VALUE = re.compile(
    rb'<c(?![^>]*\bt="str")[^>]*><f(?:[^>]*/>|[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>'  # str: an empty text
)
_LOOKED_AT = 4 << 20
MOST_SHEET = 1 << 30
MOST_TEXTS = 256 << 20
"""Maximum bytes of the texts' XML: openpyxl keeps all texts of a workbook, which takes three times as much
memory."""


NO_VALUES = "cells contain formulas without values; open the file in Excel and save it"


def has_formulas_without_values(archive: zipfile.ZipFile) -> bool:
    """Whether cells have formulas without a computed value, as libraries write them."""
    for member in archive.infolist():
        if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
            with packed.member_of(archive, member, MOST_SHEET) as sheet:
                if _NO_VALUE.search(sheet.read(_LOOKED_AT)):
                    return True
    return False


class Workbook:
    """An open workbook.

    Raises
    ------
    NotReadable
        If it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        import openpyxl  # takes 0.2 s; needed only for spreadsheets

        file.seek(0)
        try:
            self._book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except MemoryError:
            raise
        except Exception as error:  # a damaged part may raise anything
            raise NotReadable(f"the workbook is damaged: {type(error).__name__}: {error}") from error

    @property
    def hidden(self) -> list[str]:
        """The names of hidden sheets."""
        return [sheet.title for sheet in self._book.worksheets if sheet.sheet_state != "visible"]

    def sheets(self, wanted: Mapping[str, str]) -> Iterator[tuple[str, Columns | str, list[Any]]]:
        """(name, columns or why there are none, sheet) of each non-empty sheet, including hidden ones."""
        for sheet in self._book.worksheets:
            sheet.reset_dimensions()  # the dimensions in the file are not reliable
            first = [_texts(row) for _, row in itertools.islice(rows(sheet), tables.LOOKED_FOR_HEADER)]
            if not any(any(row) for row in first):
                continue
            try:
                yield sheet.title, tables.columns(first, wanted), sheet
            except NotReadable as error:
                yield sheet.title, str(error), sheet


def rows(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(row, cells) of each row of a sheet.

    Raises
    ------
    NotReadable
        If the sheet is damaged.
    """
    try:
        yield from enumerate(sheet.iter_rows(values_only=True), start=1)
    except MemoryError:
        raise
    except Exception as error:
        raise NotReadable(f"the sheet {sheet.title!r} is damaged: {type(error).__name__}: {error}") from error


def read(sheet: Any, columns: Columns, skip: tables.Skip) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each row after the header. Sheets omit the empty cells at the end of a row."""
    width = len(columns.keys)
    padded = ((number, (*cells, *[None] * (width - len(cells)))) for number, cells in rows(sheet))
    return tables.records(itertools.islice(padded, columns.header, None), columns, skip)


def _texts(cells: tuple[Any, ...]) -> list[str]:
    texts = [cell_values.plain(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts

"""Detects the type of a file from its first bytes; its name decides only in doubt."""

from __future__ import annotations

import codecs
from typing import Literal

from tunedrop.dataset.formats.unreadable import NotReadable

Kind = Literal["gzip", "bzip2", "xz", "zstd", "zip", "parquet", "arrow", "text"]

HEAD = 1 << 16

_PACKED: dict[bytes, Kind] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an empty one
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream, as in Hugging Face's datasets
}

_WEB_PAGE = "this is a web page, not a dataset: the download failed"
_TABLE_OF_HTML = "this is a web page with a table; open it as a spreadsheet and save it as CSV or .xlsx"
_REFUSED: dict[bytes, str] = {
    b"%PDF": "this is a PDF; extract records from it first",
    b"\xd0\xcf\x11\xe0": "this is an old Excel or Word file; save it as .xlsx or CSV",
    b"SQLite format 3\0": "this is an SQLite database; export the table as CSV",
    b"7z\xbc\xaf\x27\x1c": "this is a 7-Zip archive; extract it",
    b"\x04\x22\x4d\x18": "this is compressed with LZ4; decompress it",
    b"\xff\x06\0\0sNaPpY": "this is compressed with Snappy; decompress it",
    b"Rar!": "this is a RAR archive; extract it",
    b"PAR3": "this is a Parquet file whose footer is encrypted; write it without encryption",
    b"Obj\x01": "this is an Avro file; export it as JSON lines or Parquet",
    b"ORC": "this is an ORC file; export it as JSON lines or Parquet",
    b"FEA1": "this is an old Feather file; write it as Parquet",
    b"\x93NUMPY": "this is a NumPy array; export it as JSON lines",
    b"\x89HDF": "this is an HDF5 file; export it as JSON lines",
    b"\x80\x04\x95": "this is a Python pickle, which runs code when it is read; export it as JSON lines",
    b"\x80\x05\x95": "this is a Python pickle, which runs code when it is read; export it as JSON lines",
    b"\x80\x02": "this is a Python pickle, which runs code when it is read; export it as JSON lines",
    b"\x80\x03": "this is a Python pickle, which runs code when it is read; export it as JSON lines",
    b"$FL2": "this is an SPSS file; export it as CSV",
    b"<stata_dta>": "this is a Stata file; export it as CSV",
    b"\x5d\0\0": "this is compressed with LZMA; decompress it, or write it as .xz",
    b"\x1f\x9d": "this is compressed with compress (.Z); decompress it",
    b"PK\x07\x08": "this is a part of a ZIP archive; put its parts together",
    b"GGUF": "this is a model, not a dataset",
    b"GIF8": "this is an image",
    b"\x89PNG": "this is an image",
    b"\xff\xd8\xff": "this is an image",
    b"{\\rtf": "this is RTF; save it as plain text, CSV or .xlsx",
    b"<!doctype": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"<?xml": "this is XML; export it as JSON lines or CSV",
    b"version https://git-lfs": "this is a pointer of Git LFS; fetch the file itself: git lfs pull",
}
_LETTERS = (b"<!doctype", b"<html", b"<?xml")
_SKIPPABLE_ZSTD = 0x184D2A50
_INSIDE = {
    (4, b"Standard ACE DB"): "this is an Access database; export the table as CSV",
    (4, b"Standard Jet DB"): "this is an Access database; export the table as CSV",
    (8, b"DUCK"): "this is a DuckDB database; export the table as CSV or Parquet",
    (8, b'{"'): "this is a model (safetensors), not a dataset",
    (257, b"ustar"): "this is a tar archive; extract it and pass its files",
}
"""Marks that are not at the beginning."""


def kind_of(head: bytes) -> Kind:
    """The type of a file, from its beginning.

    Raises
    ------
    NotReadable
        If it is of a type without records, or of an unsupported type.
    """
    for mark, kind in _PACKED.items():
        if head.startswith(mark):
            return kind
    if int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE_ZSTD:
        return "zstd"
    for (at, mark), why in _INSIDE.items():
        if head.startswith(mark, at) and b"\0" in head[:_LONGEST_TEXT]:
            raise NotReadable(why)
    begun = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, why in _REFUSED.items():
        is_markup = mark in _LETTERS
        if (begun if is_markup else head).startswith(mark) and _is_sure(mark, head):
            raise NotReadable(_TABLE_OF_HTML if why is _WEB_PAGE and b"<table" in begun else why)
    if _is_binary(head):
        raise NotReadable("this is a binary file, not text; export it as JSON lines or CSV")
    return "text"


def _is_binary(head: bytes) -> bool:
    """Whether bytes are not text in any encoding: NULs or many control characters, unless they are UTF-16."""
    head = head.rstrip(b"\0\r\n")  # padding
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if b"\0" not in head or controls <= len(head) * _MOST_CONTROLS:
        return False
    return not any(_is_in(one, head) for one in _WIDE)


def _is_in(encoding: str, head: bytes) -> bool:
    try:
        return "\0" not in codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False


_LONGEST_TEXT = 512
_CONTROLS = bytes((*range(9), *range(14, 26)))
_MOST_CONTROLS = 0.06
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def _is_sure(mark: bytes, head: bytes) -> bool:
    """Whether a mark that could be the beginning of a text is followed by bytes that no text has."""
    return not mark.isalnum() or b"\0" in head[:64] or mark == b"%PDF"

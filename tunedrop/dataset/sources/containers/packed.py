"""Decompression and archives, with a limit on the unpacked size."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers.kinds import Kind
from tunedrop.intake import file_names as names

BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""The exceptions of decompressors for a damaged or truncated file."""

MOST_MEMBERS = 10_000

MOST_XZ_MEMORY = 256 << 20
"""The memory limit of the xz decompressor: the largest preset needs 65 MB, but a file may request 4 GB."""
_AT_ONCE = 1 << 18


def decompressed(kind: Kind, file: BinaryIO) -> BinaryIO:
    """The decompressed bytes of a file with any number of members."""
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if kind == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if kind == "xz":
        return cast(BinaryIO, io.BufferedReader(_Xz(file), _AT_ONCE))
    from backports import zstd  # in the standard library from Python 3.14 on

    return cast(BinaryIO, zstd.ZstdFile(file))


class _Xz(io.RawIOBase):
    """Decompresses an xz file with any number of streams in bounded memory; `lzma.LZMAFile` has no limit."""

    _decoder: lzma.LZMADecompressor
    _place: int
    _rest: bytes

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rewind()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        place += self._place if whence == io.SEEK_CUR else 0
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("its end is not known")
        if place < self._place:
            self._rewind()
        while self._place < place and self.read(min(place - self._place, _AT_ONCE)):
            pass
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            if self._decoder.eof and not self._next_stream():
                return 0
            packed = self._rest or (self._file.read(_AT_ONCE) if self._decoder.needs_input else b"")
            self._rest = b""
            if not packed and self._decoder.needs_input:
                raise EOFError("it ends within a stream")
            piece = self._decoder.decompress(packed, len(buffer))
            if piece:
                self._place += len(piece)
                buffer[: len(piece)] = piece
                return len(piece)

    def _rewind(self) -> None:
        self._file.seek(0)
        self._place, self._rest = 0, b""
        self._decoder = _xz_decoder()

    def _next_stream(self) -> bool:
        """Whether another stream follows, after the padding of the previous one."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest:
            if not (piece := self._file.read(_AT_ONCE)):
                return False
            rest = piece.lstrip(b"\0")
        self._rest, self._decoder = rest, _xz_decoder()
        return True


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY)


class Unpacked:
    """Counts what a file unpacks to in total: a small archive may have thousands of members that unpack to a
    gigabyte of blank lines each."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def add(self, size: int) -> None:
        """Count more bytes.

        Raises
        ------
        NotReadable
            If there are too many.
        """
        self._left -= size
        if self._left < 0:
            raise NotReadable(
                f"it unpacks to more than {_size(self._most)} in all; upload less, or JSON lines"
            )


class Limited(io.RawIOBase):
    """A file from which at most `most` bytes can be read; `unpacked` counts them.

    Raises
    ------
    NotReadable
        If it holds more, or is damaged.
    """

    def __init__(self, file: BinaryIO, most: int, unpacked: Unpacked | None = None) -> None:
        self._file = file
        self._most = most
        self._unpacked = unpacked
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        self._place = self._file.seek(place, whence)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._file.read(len(buffer))
        except MemoryError:
            raise
        except Exception as error:  # each decompressor has its own error
            raise NotReadable(
                f"the compressed file is damaged or ends too early ({_said(error)}); upload it again"
            ) from error
        self._place += len(piece)
        if self._place > self._most:
            raise NotReadable(f"it decompresses to more than {_size(self._most)}; upload less, or JSON lines")
        if self._unpacked is not None:
            self._unpacked.add(len(piece))
        buffer[: len(piece)] = piece
        return len(piece)


def archive_of(file: BinaryIO) -> zipfile.ZipFile:
    """A ZIP archive.

    Raises
    ------
    NotReadable
        If it is damaged.
    """
    try:
        return zipfile.ZipFile(file)
    except (*BROKEN, NotImplementedError) as error:
        raise NotReadable(
            f"the ZIP archive is damaged or ends too early ({error}); upload it again"
        ) from error


@contextmanager
def member_of(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, unpacked: Unpacked | None = None
) -> Iterator[BinaryIO]:
    """A file in an archive, from which at most `most` bytes can be read; `unpacked` counts them.

    Raises
    ------
    NotReadable
        If it is damaged, or compressed by an unsupported method.
    """
    try:
        inside = archive.open(member)
    except (*BROKEN, RuntimeError, NotImplementedError) as error:
        raise NotReadable(
            f"{member.filename} in the ZIP archive is damaged ({error}); upload it again"
        ) from error
    with inside:
        yield limited(cast(BinaryIO, inside), most, unpacked)


def members(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """The files in an archive that may contain records, ordered by name.

    Raises
    ------
    NotReadable
        If there is none, or if they are different splits of a dataset.
    """
    listed = archive.infolist()
    if len(listed) > MOST_MEMBERS:
        raise NotReadable(f"the archive has {len(listed):,} members; put the records into one file")
    files = {one.filename: one for one in listed if not one.is_dir()}
    found = {name: files[name] for name in names.of_data(files)}
    if not found:
        raise NotReadable("the archive contains no file with records")
    parts = names.by_split([*found])
    if len(parts) > 1:
        raise NotReadable(f"the archive contains several parts of a dataset ({', '.join(parts)}); extract it")
    locked = next((one for one in found.values() if one.flag_bits & 1), None)
    if locked is not None:
        raise NotReadable("the archive is password-protected; extract it")
    yield from (found[name] for name in parts["train"])


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a ZIP archive is a spreadsheet of Excel's.

    Raises
    ------
    NotReadable
        If it is another kind of document.
    """
    inside = set(archive.namelist())
    if "xl/workbook.xml" in inside:
        return True
    if "xl/workbook.bin" in inside or "content.xml" in inside:
        raise NotReadable("this is a spreadsheet or document of another kind; save it as .xlsx or CSV")
    if "word/document.xml" in inside or "ppt/presentation.xml" in inside:
        raise NotReadable("this is a document, not a table; extract records from it first")
    if "Index/Document.iwa" in inside:
        raise NotReadable("this is a file of Apple Numbers, Pages or Keynote; export it as .xlsx or CSV")
    return False


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _size(count: int) -> str:
    return f"{count / (1 << 30):,.1f} GB" if count >= 1 << 30 else f"{count / (1 << 20):,.0f} MB"


def limited(file: BinaryIO, most: int, unpacked: Unpacked | None = None) -> BinaryIO:
    """The same file, limited to `most` bytes; `unpacked` counts them."""
    return cast(BinaryIO, io.BufferedReader(Limited(file, most, unpacked), 1 << 18))

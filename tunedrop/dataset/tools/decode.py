"""Converts a file to UTF-8 without a byte-order mark, if it can be decompressed and decoded without
guessing."""

from __future__ import annotations

import codecs
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator

import msgspec

from tunedrop.dataset.formats.json_lines import BOM, UNMARKED_UTF_16, UTF_16, UTF_32, UTF_32_PROBLEM

MAX_UNPACKED_BYTES = 16 << 30
"""Bedrock accepts 10 GB; a file that unpacks to more than this is a mistake or an attack."""

_STEP = 1 << 20
_BITE = 1 << 14
"""Compressed bytes per step; the rest after each member is copied, so that more would be slow."""
_GZIP = b"\x1f\x8b"
_OTHERS = {
    **dict.fromkeys(UTF_32, UTF_32_PROBLEM),
    b"PAR1": "the file is Parquet; export it as JSON lines or CSV",
    b"PK\x03\x04": "the file is a ZIP archive or a spreadsheet; export it as JSON lines or CSV",
}


class Change(msgspec.Struct, frozen=True):
    """A repair and its place: a line of the original, or 0 for the whole file."""

    line: int
    what: str


class NotRepairable(Exception):
    """The file has another type, or is not JSON at all."""


def unpacked(chunks: Iterable[bytes], tell: Callable[[Change], None]) -> Iterator[bytes]:
    """The content of a file in UTF-8, chunk by chunk; repairs are reported.

    Raises
    ------
    NotRepairable
        If the file's type has no lines, or its compression or encoding is damaged.
    """
    start, rest = _beginning(iter(chunks))
    if start.startswith(_GZIP):
        tell(Change(0, "the file was decompressed"))
        start, rest = _beginning(_gunzip(itertools.chain([start], rest)))
    for mark, why in _OTHERS.items():
        if start.startswith(mark):
            raise NotRepairable(why)
    for mark, encoding in (UTF_16 | UNMARKED_UTF_16).items():
        if start.startswith(mark):
            tell(Change(0, "UTF-16 became UTF-8"))
            yield from _decoded(start.removeprefix(mark) if mark in UTF_16 else start, rest, encoding)
            return
    if start.startswith(BOM):
        tell(Change(1, "the byte-order mark was removed"))
    yield start.removeprefix(BOM)
    yield from rest


def is_packed(start: bytes) -> bool:
    """Whether a file is compressed, in another encoding, or of a type without lines, judging by its
    beginning."""
    return start.startswith((_GZIP, *_OTHERS, *UTF_16, *UNMARKED_UTF_16))


def _beginning(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """At least four bytes, if available, and the chunks after them."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= 4:
            break
    return start, chunks


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member, total, text = zlib.decompressobj(wbits=31), 0, bytearray()
    try:
        for bite in _bites(chunks):
            while bite:
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                text += member.decompress(bite, _STEP)
                bite = member.unused_data if member.eof else member.unconsumed_tail
                if len(text) >= _STEP:
                    total += len(text)
                    if total > MAX_UNPACKED_BYTES:
                        raise NotRepairable(f"it decompresses to more than {MAX_UNPACKED_BYTES >> 30} GB")
                    yield bytes(text)
                    text.clear()
        yield bytes(text) + member.flush()
    except zlib.error as error:
        raise NotRepairable(f"the file starts like gzip but is damaged: {error}") from error
    if not member.eof:
        raise NotRepairable("the compressed file is truncated; upload it again")


def _bites(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield from (chunk[place : place + _BITE] for place in range(0, len(chunk), _BITE))


def _decoded(start: bytes, rest: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(start).encode()
        for chunk in rest:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise NotRepairable(f"the file starts like UTF-16 but is damaged: {error}") from error

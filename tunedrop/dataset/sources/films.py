"""Reads the duration of a video from its container, with few reads.

Sources: ISO/IEC 14496-12 (MP4 and QuickTime: boxes, `moov` and its `mvhd`), RFC 8794 and RFC 9559 (Matroska
and WebM: elements, `Info` with `TimestampScale` and `Duration`). Read 2026-11-29.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator

Read = Callable[[int, int], bytes]
"""Reads a number of bytes from an offset; fewer at the end of the file."""

MOST_BOXES = 64
"""Maximum number of top-level boxes to read before `moov`; videos have a handful, malicious files more."""

_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_NANOSECONDS = 1_000_000
"""Matroska's default timestamp scale."""


def seconds(format_: str, read: Read, size: int) -> float:
    """The duration of a video in seconds; 0 if its container does not state it.

    Parameters
    ----------
    format_
        Its format, by its first bytes: `mp4` (also QuickTime) or `mkv` (also WebM).
    """
    try:
        length = _of_mp4(read, size) if format_ == "mp4" else _of_matroska(read, size)
    except (struct.error, ValueError, IndexError):  # truncated or damaged: the duration is unknown
        return 0.0
    return length if math.isfinite(length) else 0.0


def _of_mp4(read: Read, size: int) -> float:
    for name, start, end in _boxes(read, 0, size):
        if name == b"moov":
            for inner, at, _ in _boxes(read, start, end):
                if inner == b"mvhd":
                    return _by_header(read(at, 32))
            return 0.0
    return 0.0


def _boxes(read: Read, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes from a position on: type, and the start and end of the content."""
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        header = read(at, 16)
        length, name, begins = int.from_bytes(header[:4]), header[4:8], 8
        if length == 1:
            length, begins = int.from_bytes(header[8:16]), 16
        length = length or end - at  # 0: until the end of the file
        if length < begins:
            return
        yield name, at + begins, min(at + length, end)
        at += length


def _by_header(header: bytes) -> float:
    """`mvhd`: version 1 has times of eight bytes, version 0 of four; all bits set mean unknown."""
    if header[0] == 1:
        scale, length = struct.unpack(">IQ", header[20:32])
        unknown = 2**64 - 1
    else:
        scale, length = struct.unpack(">II", header[12:20])
        unknown = 2**32 - 1
    return length / scale if scale and length != unknown else 0.0


def _of_matroska(read: Read, size: int) -> float:
    for name, start, end in _elements(read, 0, size):
        if name == _SEGMENT:
            for inner, at, until in _elements(read, start, end):
                if inner == _INFO:
                    return _by_info(read, at, until)
            return 0.0
    return 0.0


def _by_info(read: Read, at: int, end: int) -> float:
    scale, length = _NANOSECONDS, 0.0
    for name, start, until in _elements(read, at, end):
        if name == _SCALE:
            scale = int.from_bytes(read(start, min(until - start, 8)))
        elif name == _DURATION:
            (length,) = struct.unpack(
                ">d" if until - start == 8 else ">f", read(start, min(until - start, 8))
            )
    return length * scale / 1e9


def _elements(read: Read, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The elements from a position on: id, and the start and end of the content."""
    for _ in range(MOST_BOXES):
        if at + 2 > end:
            return
        header = read(at, 12)
        wide = _width(header[0])
        long = _width(header[wide])
        name = int.from_bytes(header[:wide])
        length = int.from_bytes(header[wide : wide + long]) & ((1 << 7 * long) - 1)
        begins = at + wide + long
        unknown = length == (1 << 7 * long) - 1  # as in live streams: until the end
        until = end if unknown else min(begins + length, end)
        yield name, begins, until
        at = until


def _width(first: int) -> int:
    """The number of bytes of an EBML number, given by the zeros before its first set bit."""
    if not first:
        raise ValueError("no number of EBML")
    return 9 - first.bit_length()

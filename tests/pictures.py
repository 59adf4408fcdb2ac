"""The beginnings of images and videos: all that a check reads of them."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 640, height: int = 480, padding: int = 0) -> bytes:
    """A PNG of one colour; `padding` bytes stand behind its end."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(-(-width // 8) + 1) * height)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body + bytes(padding)


def jpeg(width: int = 640, height: int = 480, before: int = 0) -> bytes:
    """The segments of a JPEG up to its sides; `before` bytes of a preview stand in front of them."""
    preview = b"\xff\xe1" + struct.pack(">H", before + 2) + bytes(before) if before else b""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + preview + frame


MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(64)
MKV = b"\x1aE\xdf\xa3" + bytes(64)


def mp4(seconds: float, *, at_the_end: bool = False, brand: bool = True, wide: bool = False) -> bytes:
    """A film of MP4 or QuickTime: its boxes, and no picture; its length before or behind what it shows.

    Parameters
    ----------
    brand
        Without: as older films of QuickTime begin.
    wide
        Times of eight bytes, as of films of many hours.
    """

    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + name + body

    times = struct.pack(">BxxxQQIQ", 1, 0, 0, 600, round(seconds * 600)) if wide else (
        struct.pack(">BxxxIIII", 0, 0, 0, 600, round(seconds * 600))
    )  # fmt: skip
    moov = box(b"moov", box(b"udta", bytes(20)) + box(b"mvhd", times + bytes(80)))
    long = 1 << 18
    shown = struct.pack(">I4sQ", 1, b"mdat", long + 16) + bytes(long)
    start = box(b"ftyp", b"isom" + bytes(12)) if brand else box(b"wide", b"")
    return start + (shown + moov if at_the_end else moov + shown)


def mkv(seconds: float, *, scale: int = 1_000_000, endless: bool = False) -> bytes:
    """A film of Matroska or WebM up to its length; `endless` as a stream, whose size is not known."""

    def element(name: str, body: bytes, size: bytes = b"") -> bytes:
        return bytes.fromhex(name) + (size or struct.pack(">Q", 1 << 56 | len(body))) + body

    length = element("4489", struct.pack(">d", seconds * 1e9 / scale)) if seconds else b""
    info = element("1549a966", element("2ad7b1", scale.to_bytes(3)) + length)
    segment = element("18538067", element("ec", bytes(300)) + info, b"\x01" + b"\xff" * 7 if endless else b"")
    return element("1a45dfa3", element("4282", b"matroska")) + segment

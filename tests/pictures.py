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

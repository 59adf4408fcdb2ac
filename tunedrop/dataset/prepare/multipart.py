"""Joins stored pieces into one object without reading them: S3 copies them as parts of a multipart upload.

Parts, except the last, have 5 MiB to 5 GiB (S3 user guide, "Multipart upload limits", read 2026-11-25).
Smaller pieces are read and combined into parts.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

LEAST_PART = 5 << 20
MOST_PART = 5 << 30
AT_ONCE = 8


class Piece(msgspec.Struct, frozen=True):
    """Bytes from `start` to before `stop` of an object."""

    key: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


Part = tuple[Piece, ...]
"""The pieces of one part of the upload; a part of a single piece can be copied."""


def plan(pieces: Iterable[Piece], least: int = LEAST_PART, most: int = MOST_PART) -> list[Part]:
    """The parts of the concatenated pieces, in order; less than 2 x `least` bytes of each part are read."""
    parts: list[Part] = []
    small: list[Piece] = []
    for piece in (one for one in pieces if one.size):
        start = piece.start
        if small:
            missing = least - sum(one.size for one in small)
            start = piece.stop if piece.size - missing < least else piece.start + missing
            small.append(Piece(piece.key, piece.start, start))
            if sum(one.size for one in small) >= least:
                parts.append(tuple(small))
                small = []
        if piece.stop - start >= least:
            parts += [(one,) for one in _cut(Piece(piece.key, start, piece.stop), most)]
        elif piece.stop > start:
            small.append(Piece(piece.key, start, piece.stop))
    return [*parts, tuple(small)] if small else parts


def _cut(piece: Piece, most: int) -> list[Piece]:
    """Split a piece into equal parts of at most the given size."""
    count = -(-piece.size // most)
    bounds = [piece.start + piece.size * index // count for index in range(count + 1)]
    return [Piece(piece.key, bounds[index], bounds[index + 1]) for index in range(count)]


def join(s3: Any, bucket: str, pieces: Iterable[Piece], key: str) -> None:
    """Write the concatenated pieces as one object; at least one must not be empty."""
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    place = {"Bucket": bucket, "Key": key, "UploadId": upload_id}

    def send(numbered: tuple[int, Part]) -> dict[str, Any]:
        number, part = numbered
        return {"PartNumber": number, "ETag": _send(s3, bucket, part, {**place, "PartNumber": number})}

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sent = list(pool.map(send, enumerate(plan(pieces), start=1)))
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": sent})
    except BaseException:
        s3.abort_multipart_upload(**place)
        raise


def _send(s3: Any, bucket: str, part: Part, place: dict[str, Any]) -> str:
    if len(part) == 1 and part[0].size >= LEAST_PART:
        source = {"Bucket": bucket, "Key": part[0].key}
        answer = s3.upload_part_copy(**place, CopySource=source, CopySourceRange=_range(part[0]))
        return str(answer["CopyPartResult"]["ETag"])
    read = (s3.get_object(Bucket=bucket, Key=one.key, Range=_range(one))["Body"].read() for one in part)
    return str(s3.upload_part(**place, Body=b"".join(read))["ETag"])


def _range(piece: Piece) -> str:
    return f"bytes={piece.start}-{piece.stop - 1}"

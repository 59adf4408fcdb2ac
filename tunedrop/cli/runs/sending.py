"""Uploads a file to S3 in parts, and resumes an interrupted upload.

S3 itself says by checksums which parts are there: nothing is noted on this machine, and of a file that has
changed meanwhile only what has changed is sent again. What is never finished, the bucket's lifecycle removes.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.cli.progress import Advance

PART = 8 << 20
"""Bytes of a part; what is smaller goes at once. S3 wants 5 MiB at least (S3 user guide, qfacts.html)."""

MOST_PARTS = 10_000
AT_ONCE = 4


class Part(msgspec.Struct, frozen=True):
    """A stretch of a file: its number from 1, where it begins, its bytes and their SHA-256 in base 64."""

    number: int
    start: int
    size: int
    checksum: str

    def read(self, path: Path) -> bytes:
        with path.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.size)


def parts_of(path: Path) -> list[Part]:
    """How a file is cut; one part where it goes at once."""
    total = path.stat().st_size
    size = max(PART, math.ceil(total / MOST_PARTS))
    with path.open("rb") as stream:
        bodies = [
            (start, len(body), hashlib.sha256(body).digest())
            for start in range(0, max(total, 1), size)
            for body in [stream.read(size)]
        ]
    return [
        Part(number, start, length, base64.b64encode(digest).decode())
        for number, (start, length, digest) in enumerate(bodies, 1)
    ]


def checksum_of(parts: list[Part]) -> str:
    """The checksum that S3 gives the whole object: of several parts, that of their checksums."""
    if len(parts) == 1:
        return parts[0].checksum
    of_parts = hashlib.sha256(b"".join(base64.b64decode(part.checksum) for part in parts))
    return base64.b64encode(of_parts.digest()).decode()


def is_there(s3: Any, bucket: str, key: str, parts: list[Part]) -> bool:
    """Whether the object is what these parts make."""
    try:
        head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    checksum, _, _number_of_parts = str(head.get("ChecksumSHA256", "")).partition("-")
    return checksum == checksum_of(parts)


def send(
    s3: Any,
    path: Path,
    bucket: str,
    key: str,
    parts: list[Part],
    advance: Advance,
    metadata: Mapping[str, str] = {},
) -> int:
    """Upload a file; gives the bytes that were there already, of which `advance` is told as of the others."""
    where = {"Bucket": bucket, "Key": key}
    if len(parts) == 1:
        s3.put_object(
            **where,
            Body=parts[0].read(path),
            Metadata=metadata,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=parts[0].checksum,
        )
        advance(parts[0].size)
        return 0
    upload, tags = _begun(s3, where, parts) or (_begin(s3, where, metadata), {})
    where |= {"UploadId": upload}

    def sent(part: Part) -> str:
        tag = tags.get(part.number)
        if tag is None:
            answer = s3.upload_part(
                **where, PartNumber=part.number, Body=part.read(path), ChecksumSHA256=part.checksum
            )
            tag = answer["ETag"]
        advance(part.size)
        return str(tag)

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        done = [
            {"PartNumber": part.number, "ETag": tag, "ChecksumSHA256": part.checksum}
            for part, tag in zip(parts, pool.map(sent, parts), strict=True)
        ]
    finally:
        pool.shutdown(cancel_futures=True)
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": done})
    return sum(part.size for part in parts if part.number in tags)


def _begin(s3: Any, where: dict[str, str], metadata: Mapping[str, str]) -> str:
    answer = s3.create_multipart_upload(**where, Metadata=metadata, ChecksumAlgorithm="SHA256")
    return str(answer["UploadId"])


def _begun(s3: Any, where: dict[str, str], parts: list[Part]) -> tuple[str, dict[int, str]] | None:
    """The unfinished upload that holds most of these parts, and the tags of those; None where none holds any.

    So that somebody else's upload under the same name is left alone.
    """
    try:
        found = s3.list_multipart_uploads(Bucket=where["Bucket"], Prefix=where["Key"]).get("Uploads", [])
        mine = [
            (one["UploadId"], _held(s3, where | {"UploadId": one["UploadId"]}, parts))
            for one in found
            if one["Key"] == where["Key"]
        ]
    except ClientError:
        return None  # not allowed to look, or it has ended meanwhile: the file is sent from its beginning
    upload, tags = max(mine, key=lambda one: len(one[1]), default=("", {}))
    return (upload, tags) if tags else None


def _held(s3: Any, upload: dict[str, str], parts: list[Part]) -> dict[int, str]:
    checksums = {part.number: part.checksum for part in parts}
    return {
        one["PartNumber"]: one["ETag"]
        for page in s3.get_paginator("list_parts").paginate(**upload)
        for one in page.get("Parts", [])
        if one.get("ChecksumSHA256") == checksums.get(one["PartNumber"], "")
    }

"""Uploads a file to S3 in parts, and resumes an interrupted upload.

S3's checksums tell which parts are already there, so no state is kept on this machine, and only changed parts
of a changed file are sent again. The bucket's lifecycle rule removes unfinished uploads.
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
from tunedrop.contracts import S3Object

PART = 8 << 20
"""Size of a part in bytes; smaller files are sent at once. S3's minimum is 5 MiB (S3 user guide,
qfacts.html)."""

MOST_PARTS = 10_000
AT_ONCE = 4


class Part(msgspec.Struct, frozen=True):
    """A part of a file: its number from 1, offset, size and base64 SHA-256."""

    number: int
    start: int
    size: int
    checksum: str

    def read(self, path: Path) -> bytes:
        with path.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.size)


def parts_of(path: Path) -> list[Part]:
    """The parts of a file; a single one for a file that is sent at once."""
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
    """The checksum of the whole object in S3; for several parts, the checksum of their checksums."""
    if len(parts) == 1:
        return parts[0].checksum
    of_parts = hashlib.sha256(b"".join(base64.b64decode(part.checksum) for part in parts))
    return base64.b64encode(of_parts.digest()).decode()


def is_there(s3: Any, bucket: str, key: str, parts: list[Part]) -> bool:
    """Whether the object in S3 consists of these parts."""
    try:
        head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    return _checksum(head) == checksum_of(parts)


def checksum_in(s3: Any, uploaded: S3Object) -> str:
    """The checksum of a version of an object, comparable with `checksum_of`."""
    return _checksum(
        s3.head_object(
            Bucket=uploaded.bucket, Key=uploaded.key, VersionId=uploaded.version_id, ChecksumMode="ENABLED"
        )
    )


def _checksum(head: Mapping[str, Any]) -> str:
    checksum, _, _number_of_parts = str(head.get("ChecksumSHA256", "")).partition("-")
    return checksum


def send(
    s3: Any,
    path: Path,
    bucket: str,
    key: str,
    parts: list[Part],
    advance: Advance,
    metadata: Mapping[str, str] = {},
) -> tuple[int, str]:
    """Upload a file; returns how many bytes were already there, and the object's version. `advance` is called
    for all bytes."""
    where = {"Bucket": bucket, "Key": key}
    if len(parts) == 1:
        answer = s3.put_object(
            **where,
            Body=parts[0].read(path),
            Metadata=metadata,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=parts[0].checksum,
        )
        advance(parts[0].size)
        return 0, answer.get("VersionId", "")
    upload, tags = _begun(s3, where, parts) or (_begin(s3, where, metadata), {})
    where |= {"UploadId": upload}
    done = _send_parts(s3, path, where, parts, tags, advance)
    answer = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": done})
    return sum(part.size for part in parts if part.number in tags), answer.get("VersionId", "")


def _send_parts(
    s3: Any, path: Path, upload: dict[str, str], parts: list[Part], tags: Mapping[int, str], advance: Advance
) -> list[dict[str, Any]]:
    """Send the parts that are not there yet; returns what completes the upload."""

    def sent(part: Part) -> str:
        tag = tags.get(part.number)
        if tag is None:
            answer = s3.upload_part(
                **upload, PartNumber=part.number, Body=part.read(path), ChecksumSHA256=part.checksum
            )
            tag = answer["ETag"]
        advance(part.size)
        return str(tag)

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return [
            {"PartNumber": part.number, "ETag": tag, "ChecksumSHA256": part.checksum}
            for part, tag in zip(parts, pool.map(sent, parts), strict=True)
        ]
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(s3: Any, where: dict[str, str], metadata: Mapping[str, str]) -> str:
    answer = s3.create_multipart_upload(**where, Metadata=metadata, ChecksumAlgorithm="SHA256")
    return str(answer["UploadId"])


def _begun(s3: Any, where: dict[str, str], parts: list[Part]) -> tuple[str, dict[int, str]] | None:
    """The unfinished upload with the most of these parts, and their ETags; None if no upload has any.

    Another user's upload under the same key is not touched.
    """
    try:
        found = s3.list_multipart_uploads(Bucket=where["Bucket"], Prefix=where["Key"]).get("Uploads", [])
        mine = [
            (one["UploadId"], _held(s3, where | {"UploadId": one["UploadId"]}, parts))
            for one in found
            if one["Key"] == where["Key"]
        ]
    except ClientError:
        return None  # listing is not allowed, or the upload has ended: send the whole file
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

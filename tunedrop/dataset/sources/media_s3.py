"""Media in S3: inspected at their original location, and copied to where Bedrock reads a run's dataset.

CopyObject takes objects of up to 5 GB (S3 API reference, read 2026-11-26); no base model takes one of 100 MB.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, escaping, naming
from tunedrop.dataset.sources.media import HEAD_BYTES, beside, seen
from tunedrop.dataset.types import Seen, Unseen
from tunedrop.errors import InvalidDataset

AT_ONCE = 16

LONGEST_NAME = 200
"""Characters of an object's own name that its copy keeps: it stands behind the prefix of the run."""

MAX_KEY_BYTES = 1_024
"""The maximum length of a key in S3 (S3 user guide, object-keys, read 2026-11-26)."""


class StoredMedia:
    """Objects next to a dataset's file, and in the buckets that a stage may read.

    Parameters
    ----------
    bucket, key
        The dataset's file.
    readable
        Prefixes of the URIs that may be read (`tunedrop.intake.tenants`).
    """

    def __init__(self, s3: Any, bucket: str, key: str, readable: Sequence[str]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._folder = posixpath.dirname(key)
        self._readable = tuple(readable)
        self._seen: dict[str, Seen | Unseen] = {}
        self._etags: dict[tuple[str, str], str] = {}

    def place(self, uri: str) -> tuple[str, str]:
        """The bucket and key that a record refers to."""
        path = beside(uri)
        if path is None:
            return naming.place_of(uri)
        return self._bucket, posixpath.join(self._folder, path)

    def may_read(self, place: tuple[str, str]) -> bool:
        """Whether the run may read an object."""
        return naming.uri(*place).startswith(self._readable)

    def etag(self, place: tuple[str, str]) -> str:
        """The version of an object when it was inspected; empty if it was not."""
        return self._etags.get(place, "")

    @property
    def etags(self) -> dict[tuple[str, str], str]:
        """The version of every inspected object, by bucket and key."""
        return dict(self._etags)

    def remember(self, etags: Mapping[tuple[str, str], str]) -> None:
        """Add the versions of objects that another function has inspected."""
        self._etags.update(etags)

    def expect(self, uris: Iterable[str]) -> None:
        """Fetch many concurrently, because each takes about 30 ms."""
        new = [uri for uri in uris if uri not in self._seen]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            self._seen.update(zip(new, pool.map(self._fetch, new), strict=True))

    def inspect(self, uri: str) -> Seen | Unseen:
        """An object, by its first bytes."""
        if uri not in self._seen:
            self._seen[uri] = self._fetch(uri)
        return self._seen[uri]

    def _fetch(self, uri: str) -> Seen | Unseen:
        bucket, key = self.place(uri)
        if not self.may_read((bucket, key)):
            allowed = ", ".join(self._readable)
            return Unseen("TD075", f"the run may not read it; it may read {allowed} (data_buckets, tenants)")
        if (length := len(key.encode(errors="replace"))) > MAX_KEY_BYTES:
            return Unseen("TD078", f"an S3 key may have at most {MAX_KEY_BYTES:,} bytes, not {length:,}")
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{HEAD_BYTES - 1}")
        except ClientError as error:
            if aws.code_of(error) == "InvalidRange":
                return Seen(0)
            if aws.is_missing(error):
                return Unseen("TD078", f"there is no object {naming.uri(bucket, key)}")
            if aws.is_transient(error) or aws.is_forbidden(error):
                raise
            return Unseen("TD078", f"{naming.uri(bucket, key)} {escaping.line(aws.unreadable(error))}")
        self._etags[bucket, key] = answer["ETag"]
        size = int(answer["ContentRange"].rpartition("/")[2])
        return seen(size, answer["Body"].read(), partial(self._read, bucket, key))

    def _read(self, bucket: str, key: str, at: int, count: int) -> bytes:
        asked = f"bytes={at}-{at + count - 1}"
        body: bytes = self._s3.get_object(Bucket=bucket, Key=key, Range=asked)["Body"].read()
        return body


class Copies:
    """Copies a run's media next to its dataset while the dataset is written; each object once.

    Leaving the context waits for the copies.
    """

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        self._s3, self._bucket, self._run_id = s3, bucket, run_id
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._made: dict[tuple[str, str], tuple[str, Future[None]]] = {}

    def of(self, resolver: StoredMedia, uri: str) -> str:
        """The URI that the copy of a record's medium will have.

        Raises
        ------
        InvalidDataset
            If the run may not read it: the function that copies could.
        """
        place = resolver.place(uri)
        if place not in self._made:
            if not resolver.may_read(place):
                raise InvalidDataset(f"the run may not read {escaping.line(uri)[:200]}")
            key = naming.media_key(self._run_id, _name(*place))
            self._made[place] = key, self._pool.submit(self._copy, *place, key, resolver.etag(place))
        return naming.uri(self._bucket, self._made[place][0])

    def _copy(self, bucket: str, key: str, copy: str, etag: str) -> None:
        """Copy the version of the object that was inspected or, if that is unknown, the current one."""
        as_seen = {"CopySourceIfMatch": etag} if etag else {}
        try:
            # Without its tags: reading them would need another permission on other people's buckets.
            self._s3.copy_object(
                CopySource={"Bucket": bucket, "Key": key},
                Bucket=self._bucket,
                Key=copy,
                TaggingDirective="REPLACE",
                **as_seen,
            )
        except ClientError as error:
            if aws.is_missing(error):
                uri = naming.uri(bucket, key)
                raise InvalidDataset(f"{uri} was deleted while the dataset was prepared") from error
            if aws.code_of(error) in ("PreconditionFailed", "412"):
                uri = naming.uri(bucket, key)
                raise InvalidDataset(f"{uri} was replaced while the dataset was prepared") from error
            raise

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for _, copy in self._made.values():
                copy.result()


def _name(bucket: str, key: str) -> str:
    """A unique key in characters that Bedrock accepts, which contains the object's own name."""
    digest = hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()
    return f"{digest[:16]}/{key.rpartition('/')[2][-LONGEST_NAME:]}"

"""Reads datasets in S3: their size, and any range of their bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.contracts import Run, S3Object
from tunedrop.dataset.sources.containers.places import Places
from tunedrop.dataset.sources.media_s3 import StoredMedia
from tunedrop.dataset.sources.opened import OpenedFile, OpenedFiles, opened
from tunedrop.dataset.types import MediaResolver, Opened, Problem, Source, Split
from tunedrop.errors import InvalidDataset
from tunedrop.intake.tenants import readable
from tunedrop.stage import Stage

CHUNK = 1 << 20

MOST_READ_BYTES = 1 << 30
"""Maximum size of converted files (not plain JSON lines): one function writes them to its disk."""


class StoredFile:
    """One version of one object, read in ranges: a `tunedrop.dataset.types.Source`.

    Raises
    ------
    InvalidDataset
        If it no longer exists, has been replaced since the run was registered, or cannot be read.
    """

    def __init__(
        self, s3: Any, object_: S3Object, readable: Sequence[str], resolver: MediaResolver | None = None
    ) -> None:
        self._s3 = s3
        self._object = object_
        self.resolver: MediaResolver | None = resolver or StoredMedia(
            s3, object_.bucket, object_.key, readable
        )
        self.name = object_.key.rpartition("/")[2]
        self.size = int(self._ask(s3.head_object)["ContentLength"])

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop.

        Raises
        ------
        InvalidDataset
            If the object was deleted or replaced in the meantime.
        """
        if start < stop:
            answer = self._ask(self._s3.get_object, Range=f"bytes={start}-{stop - 1}")
            if answer["ContentLength"] != stop - start:
                raise InvalidDataset(f"{self._object.uri} changed while it was read; upload it again")
            yield from answer["Body"].iter_chunks(CHUNK)

    def _ask(self, operation: Any, **arguments: str) -> Any:
        version = {"VersionId": self._object.version_id} if self._object.version_id else {}
        as_seen = {"IfMatch": self._object.etag} if self._object.etag else {}
        place = {"Bucket": self._object.bucket, "Key": self._object.key}
        try:
            return operation(**place, **version, **as_seen, **arguments)
        except ClientError as error:
            if aws.is_missing(error):
                raise InvalidDataset(f"{self._object.uri} was deleted after it was uploaded") from error
            if aws.code_of(error) in ("PreconditionFailed", "412"):
                uri = self._object.uri
                raise InvalidDataset(f"{uri} was replaced after the run began; submit it again") from error
            if aws.is_transient(error) or aws.is_forbidden(error):
                raise
            raise InvalidDataset(f"{self._object.uri} {aws.unreadable(error)}") from error


def open_files(s3: Any, stage: Stage, run: Run) -> dict[Split, Opened]:
    """The files of a run's dataset as JSON lines: training, validation and test, if present.

    Other formats are converted once, and kept in the artifacts bucket for all functions of the run.

    Raises
    ------
    InvalidDataset
        If a file was deleted meanwhile.
    """
    given: dict[Split, S3Object | None] = {
        "train": run.train,
        "validation": run.validation,
        "test": run.test or run.more_test,
    }
    reader = _Reader(s3, stage, run)
    return {split: reader.opened(split, one) for split, one in given.items() if one is not None}


def sources_of(files: Mapping[Split, Opened]) -> dict[Split, Source]:
    """Their JSON lines."""
    return {split: file.source for split, file in files.items()}


def resolver_of(source: Source) -> StoredMedia:
    """The resolver of the media of a run's file."""
    resolver = source.resolver
    assert isinstance(resolver, StoredMedia)
    return resolver


def names_of(files: Mapping[Split, Opened]) -> dict[Split, str]:
    """The names of the files in findings."""
    return {split: file.name for split, file in files.items()}


class _Read(msgspec.Struct, frozen=True):
    """How a file was read; stored next to its converted copy."""

    container: str
    is_plain: bool
    problems: list[tuple[int, Problem]]
    places: bytes = b""


class _Reader:
    """Opens the files of a run; the first function to open a file converts it."""

    def __init__(self, s3: Any, stage: Stage, run: Run) -> None:
        self._s3, self._stage, self._run = s3, stage, run
        self._readable = readable(stage, run.source.key)

    def opened(self, split: Split, file: S3Object) -> Opened:
        """Open one file, or several as one."""
        each = [self._one(split, number, one) for number, one in enumerate(file.objects)]
        return each[0] if len(each) == 1 else OpenedFiles(each)

    def _one(self, split: Split, number: int, object_: S3Object) -> OpenedFile:
        # The object is part of the name, because a retry may have another test set.
        token = naming.client_token(object_.key, object_.version_id or object_.etag)[:12]
        key = naming.read_key(self._run.run_id, f"{split}-{token}", number)
        stored = StoredFile(self._s3, object_, self._readable)
        found = self._kept(key) or self._read(stored, key)
        source: Source = stored
        if not found.is_plain:
            place = S3Object(bucket=self._stage.artifacts_bucket, key=key)
            source = StoredFile(self._s3, place, self._readable, stored.resolver)
        return OpenedFile(
            name=stored.name,
            source=source,
            container=found.container,
            is_plain=found.is_plain,
            problems=found.problems,
            places=None if found.is_plain else Places.decode(found.places),
        )

    def _kept(self, key: str) -> _Read | None:
        try:
            answer = self._s3.get_object(Bucket=self._stage.artifacts_bucket, Key=f"{key}.reading")
        except ClientError as error:
            if aws.is_missing(error):
                return None
            raise
        return msgspec.msgpack.decode(answer["Body"].read(), type=_Read)

    def _read(self, stored: StoredFile, key: str) -> _Read:
        bucket = self._stage.artifacts_bucket
        with tempfile.TemporaryFile() as sink:
            made = opened(stored, stored.name, self._run.reading, sink, lambda: stored, MOST_READ_BYTES)
            if not made.is_plain:
                sink.seek(0)
                self._s3.upload_fileobj(sink, bucket, key)
        places = made.places.encode() if made.places is not None else b""
        found = _Read(made.container, made.is_plain, made.problems, places)
        self._s3.put_object(Bucket=bucket, Key=f"{key}.reading", Body=msgspec.msgpack.encode(found))
        return found

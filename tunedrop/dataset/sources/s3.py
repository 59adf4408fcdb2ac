"""Datasets as they lie in S3: their size, and any range of their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.contracts import Run, S3Object
from tunedrop.dataset.sources.media_s3 import StoredAlbum
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidDataset
from tunedrop.stage import Stage

CHUNK = 1 << 20


class StoredFile:
    """One version of one object, read in ranges: a `tunedrop.dataset.types.Source`.

    Raises
    ------
    InvalidDataset
        When it is not there any more.
    """

    def __init__(self, s3: Any, object_: S3Object, buckets: Sequence[str]) -> None:
        self._s3 = s3
        self._object = object_
        self.album = StoredAlbum(s3, object_.bucket, object_.key, buckets)
        self.name = object_.key.rpartition("/")[2]
        self.size = int(self._ask(s3.head_object)["ContentLength"])

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop."""
        if start < stop:
            answer = self._ask(self._s3.get_object, Range=f"bytes={start}-{stop - 1}")
            if answer["ContentLength"] != stop - start:
                raise InvalidDataset(f"{self._object.uri} was changed while it was read; upload it again")
            yield from answer["Body"].iter_chunks(CHUNK)

    def _ask(self, operation: Any, **arguments: str) -> Any:
        version = {"VersionId": self._object.version_id} if self._object.version_id else {}
        try:
            return operation(Bucket=self._object.bucket, Key=self._object.key, **version, **arguments)
        except ClientError as error:
            if aws.is_missing(error):
                raise InvalidDataset(f"{self._object.uri} was deleted after it was uploaded") from error
            raise


def files_of(s3: Any, stage: Stage, run: Run) -> dict[Split, StoredFile]:
    """The files of a run's dataset: training, validation, test, as far as they were given."""
    given: dict[Split, S3Object | None] = {
        "train": run.train,
        "validation": run.validation,
        "test": run.test or run.more_test,
    }
    buckets = (stage.intake_bucket, *stage.data_buckets)
    return {split: StoredFile(s3, one, buckets) for split, one in given.items() if one is not None}


def names_of(files: Mapping[Split, StoredFile]) -> dict[Split, str]:
    """What the files are called in findings."""
    return {split: file.name for split, file in files.items()}

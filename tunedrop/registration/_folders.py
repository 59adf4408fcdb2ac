"""A folder below `drop/` is one dataset and one run, started by `_SUCCESS` or when no more files arrive."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tunedrop.contracts import S3Object
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidManifest
from tunedrop.intake import file_names as names

MAX_DATA_FILES = 1_000
"""Data files."""
MAX_LISTED = 10_000
"""Objects of any kind in a folder."""


def keys_by_split(s3: Any, bucket: str, prefix: str) -> Mapping[Split, list[str]]:
    """The data files of a folder by split, according to their names or those of its subfolders.

    Raises
    ------
    InvalidManifest
        If there is none, or there are too many.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    every = (one for page in pages for one in page.get("Contents", ()))
    listed = list(itertools.islice(every, MAX_LISTED + 1))
    if len(listed) > MAX_LISTED:
        raise InvalidManifest(
            f"s3://{bucket}/{prefix} holds more than {MAX_LISTED:,} objects; move other files away"
        )
    found = names.of_data(one["Key"] for one in listed if one["Size"])
    if not found:
        raise InvalidManifest(
            f"s3://{bucket}/{prefix} contains no data file; upload the data before _SUCCESS"
        )
    if len(found) > MAX_DATA_FILES:
        raise InvalidManifest(f"s3://{bucket}/{prefix} holds {len(found):,} files; merge some of them")
    return _by_split(found, prefix)


def _by_split(keys: Iterable[str], prefix: str) -> dict[Split, list[str]]:
    split_of = {key: _split_of(key.removeprefix(prefix)) for key in keys}
    has_parts = "train" in split_of.values()
    found: dict[Split, list[str]] = {"train": [], "validation": [], "test": []}
    for key in names.in_order(split_of):
        found[(split_of[key] or "train") if has_parts else "train"].append(key)
    return {split: mine for split, mine in found.items() if mine}


def _split_of(path: str) -> Split | None:
    folder, name = posixpath.split(path)
    return names.split_of(name) or (names.split_of(posixpath.basename(folder)) if folder else None)


class Newest:
    """The newest data file of a folder, which represents it once no more arrive, unless its `_SUCCESS` came
    later. Uploads to many folders at once may bring `_SUCCESS` before the last file."""

    def __init__(self) -> None:
        self._file: tuple[S3Object, datetime] | None = None
        self._ended: datetime | None = None

    def add(self, kind: str, source: S3Object, at: datetime) -> None:
        """One of its objects."""
        if kind == "folder":
            self._ended = max(self._ended or at, at)
        elif kind == "shard" and (self._file is None or at >= self._file[1]):
            self._file = source, at

    @property
    def file(self) -> tuple[S3Object, datetime] | None:
        """The file, and when it arrived."""
        is_ended = self._file is not None and self._ended is not None and self._file[1] <= self._ended
        return None if is_ended else self._file

"""A folder below `drop/` is one dataset and one run, started by `_SUCCESS` or when no more files arrive."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from tunedrop import intake
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


def newest(
    versions: Iterable[tuple[S3Object, Any]], tenants: Collection[str]
) -> Iterator[tuple[S3Object, Any]]:
    """The newest data file of each folder without `_SUCCESS`; it represents the folder."""
    last: dict[str, tuple[S3Object, Any]] = {}
    ended = set[str]()
    for source, at in versions:
        kind, folder = intake.read_key(source.key, tenants).kind, intake.dropped_folder(source.key, tenants)
        if kind == "folder":
            ended.add(folder)
        elif kind == "shard" and (folder not in last or at >= last[folder][1]):
            last[folder] = source, at
    yield from (one for folder, one in last.items() if folder not in ended)

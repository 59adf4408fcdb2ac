"""Finds the data files that a manifest names, or that a folder holds, and pins their versions."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, escaping, intake, manifest, naming
from tunedrop.contracts import S3Object
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidManifest
from tunedrop.intake.file_names import in_order
from tunedrop.intake.tenants import readable, tenant_of
from tunedrop.registration import _folders
from tunedrop.stage import Stage

MAX_FILES = 200
"""Data files of one split. Their names travel with the run, whose state is limited to 256 KiB."""
MAX_PATTERNS = 20
"""Patterns of one split: each lists a bucket."""
MAX_LISTED = 10_000
"""Objects that match the fixed beginning of a pattern."""
MAX_KEY = 1_024
"""Bytes of an object's key (S3 user guide, object-keys, read 2026-11-29)."""

DataFiles = dict[str, S3Object]
"""A run's data files, by split."""


def named_in(s3: Any, stage: Stage, source: S3Object, data: manifest.Data) -> DataFiles:
    """The data files that a manifest names.

    Parameters
    ----------
    source
        The manifest; names without a bucket are relative to its folder.

    Raises
    ------
    InvalidManifest
        If a file does not exist or may not be used, or there are too many.
    ClientError
        If a later try may succeed.
    """
    splits: tuple[Split, ...] = ("train", "validation", "test")
    return {
        split: _joined(list(_objects(s3, stage, source, f"data.{split}", names)))
        for split in splits
        if (names := data.of(split))
    }


def in_folder(s3: Any, stage: Stage, source: S3Object) -> DataFiles:
    """The data files of a folder below `drop/`.

    Raises
    ------
    InvalidManifest
        If there is none, or there are too many.
    ClientError
        If the folder cannot be listed, or a later try may succeed.
    """
    parts = _folders.keys_by_split(s3, source.bucket, intake.dropped_folder(source.key, stage.tenants))
    if any(len(keys) > MAX_FILES for keys in parts.values()):
        raise InvalidManifest(f"a split is at most {MAX_FILES} files; merge some of them")
    return {
        split: _joined([_data_file(s3, split, source.bucket, key) for key in keys])
        for split, keys in parts.items()
    }


def _joined(files: list[S3Object]) -> S3Object:
    """Several objects as one data file."""
    return msgspec.structs.replace(files[0], more=tuple(files[1:]))


def _objects(s3: Any, stage: Stage, source: S3Object, path: str, names: Sequence[str]) -> Iterator[S3Object]:
    """The objects that a manifest names for one split, each once; matches of a pattern in numeric order."""
    if (patterns := sum(map(manifest.is_pattern, names))) > MAX_PATTERNS or len(names) > MAX_FILES:
        raise InvalidManifest(
            f"{path} names {len(names):,} files and patterns ({patterns:,} patterns); at most {MAX_FILES}, "
            f"{MAX_PATTERNS} patterns among them: merge some of the files, or use fewer patterns"
        )
    found: dict[tuple[str, str], None] = {}
    for name in names:
        bucket, key = _locate(stage, source, path, name)
        keys = _matching(s3, path, bucket, key) if manifest.is_pattern(name) else [key]
        found |= dict.fromkeys((bucket, key) for key in keys)
    if len(found) > MAX_FILES:
        raise InvalidManifest(
            f"{path} is {len(found):,} files; at most {MAX_FILES} are allowed: merge some of them"
        )
    for bucket, key in found:
        yield _data_file(s3, path, bucket, key)


def _matching(s3: Any, path: str, bucket: str, pattern: str) -> list[str]:
    """The keys that match a pattern, in the order of the numbers in them; `*` does not match a slash."""
    named = S3Object(bucket=bucket, key=pattern)
    begin = re.match(r"[^*?\[]*", pattern)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=begin[0] if begin else "")
    try:
        matches = re.compile(_expression(pattern)).fullmatch
        every = (one["Key"] for page in pages for one in page.get("Contents", ()))
        listed = list(itertools.islice(every, MAX_LISTED + 1))
    except re.error as error:
        raise InvalidManifest(f"{path}: {named.uri[:200]} is not a pattern: {error}") from error
    except ClientError as error:
        raise refusal(error, path, named) from error
    if len(listed) > MAX_LISTED:
        raise InvalidManifest(
            f"{path}: more than {MAX_LISTED:,} objects match the beginning of {named.uri[:200]}; "
            "make it longer"
        )
    keys = in_order(key for key in listed if matches(key))
    if not keys:
        raise InvalidManifest(f"{path}: no object is named {named.uri[:200]}; upload the data first")
    return keys


def _expression(pattern: str) -> str:
    """A pattern of file names as a regular expression: `*` and `?` do not match a slash.

    The text after a star is matched at its first occurrence without backtracking, so that no pattern is slow.
    """
    first, *rest = (_without_stars(part) for part in re.split(r"\*+", pattern))
    if not rest:
        return first
    return first + "".join(f"(?>[^/]*?{part})" for part in rest[:-1]) + f"[^/]*{rest[-1]}"


def _without_stars(part: str) -> str:
    pieces = re.split(r"(\?|\[!?[^\]/]+\])", part)
    return "".join(
        (piece.replace("[!", "[^") if piece != "?" else "[^/]") if at % 2 else re.escape(piece)
        for at, piece in enumerate(pieces)
    )


def _data_file(s3: Any, path: str, bucket: str, key: str) -> S3Object:
    found = S3Object(bucket=bucket, key=key)
    if not key or len(key.encode()) > MAX_KEY:
        raise InvalidManifest(f"{path}: {found.uri[:200]} is not an object; a key has 1 to {MAX_KEY} bytes")
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise refusal(error, path, found) from error
    return msgspec.structs.replace(found, **aws.pin_of(head))


def _locate(stage: Stage, source: S3Object, path: str, name: str) -> tuple[str, str]:
    if name.startswith("s3://"):
        bucket, key = naming.place_of(name)
        allowed = (stage.intake_bucket, *stage.data_buckets)
        if bucket not in allowed:
            raise InvalidManifest(
                f"{path}: the stage does not allow the bucket {escaping.line(bucket)[:200]}; "
                f"allowed are {', '.join(allowed)} (setting data_buckets)"
            )
        _refuse_other_tenants(stage, source, path, S3Object(bucket=bucket, key=key))
        return bucket, key
    folder = posixpath.dirname(source.key)
    key = posixpath.normpath(posixpath.join(folder, name))
    if not key.startswith(folder + "/"):
        raise InvalidManifest(
            f"{path}: {escaping.line(name)[:200]} is not in the manifest's folder; "
            f"name a file in {escaping.line(folder)}/"
        )
    return source.bucket, key


def _refuse_other_tenants(stage: Stage, source: S3Object, path: str, named: S3Object) -> None:
    """Refuse data that the uploader's tenant may not read.

    Raises
    ------
    InvalidManifest
        If the stage has tenants, and the data is not this tenant's.
    """
    tenant = tenant_of(stage, source.key)
    if tenant is None:
        return
    reads = readable(stage, source.key)
    if not f"s3://{named.bucket}/{named.key}".startswith(reads):
        raise InvalidManifest(
            f"{path}: {tenant} may not read {named.uri[:200]}; "
            f"it may read {', '.join(reads)} (setting tenants)"
        )


def head(s3: Any, path: str, file: S3Object) -> dict[str, Any]:
    """HeadObject's response for a data file; `path` is its place in the manifest, for messages.

    Raises
    ------
    InvalidManifest
        If the file cannot be used.
    ClientError
        If a later try may succeed.
    """
    try:
        head: dict[str, Any] = s3.head_object(Bucket=file.bucket, Key=file.key, **version(file))
    except ClientError as error:
        raise refusal(error, path, file) from error
    return head


def version(source: S3Object) -> dict[str, str]:
    """The argument of an S3 call that reads the pinned version; none for an object without one."""
    return {"VersionId": source.version_id} if source.version_id else {}


def refusal(error: ClientError, path: str, source: S3Object) -> InvalidManifest:
    """The error for an object that cannot be used.

    Raises
    ------
    ClientError
        If a later try may succeed.
    """
    if aws.is_missing(error) or aws.code_of(error) in ("NoSuchVersion", "MethodNotAllowed"):
        return InvalidManifest(
            f"{path}: there is no {source.uri}; upload the data first and the manifest last"
        )
    if aws.is_transient(error) or aws.is_forbidden(error):
        raise error
    return InvalidManifest(f"{path}: {source.uri} {escaping.line(aws.unreadable(error))}")

"""Validates a dataset that is too large for one function: its files are checked, and later prepared, in
ranges of bytes.

Merging produces what a single function would have produced: the same findings with the same line numbers, the
same statistics, and the same training data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, BinaryIO, TypeVar

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.catalog.method import MethodRules
from tunedrop.contracts import ByteRange, Run
from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.check.results import Range, RangeResult, ranges
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.duplicates.candidates import SPLITS
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.prepare import multipart as join
from tunedrop.dataset.prepare.multipart import Piece
from tunedrop.dataset.prepare.plan import Shares, by_hash, plan
from tunedrop.dataset.prepare.split import Prepared, Sides, merge, prepare
from tunedrop.dataset.sources.media_s3 import Copies
from tunedrop.dataset.sources.s3 import names_of, resolver_of, sources_of
from tunedrop.dataset.types import Opened, Source, Split
from tunedrop.stage import Stage

T = TypeVar("T", bound=msgspec.Struct)


MOST_PLANNED_BYTES = 4 << 30
"""Larger training files are split by record hash, because one function can plan only this much in time."""


MOST_SHARDS = 1_000
"""Maximum number of shards: they are part of the run's state, which is limited to 256 KiB (Step Functions
guide, service-quotas)."""


def ranges_of(files: Mapping[Split, Source], limit: int) -> tuple[ByteRange, ...]:
    """Ranges of at most this many bytes, or larger ones if there would be too many; empty if one function can
    process all files."""
    size = sum(file.size for file in files.values())
    if size <= limit:
        return ()
    limit = max(limit, size // MOST_SHARDS + 1)
    return tuple(
        ByteRange(split=one.split, start=one.start, stop=one.stop)
        for split, file in files.items()
        for one in ranges(split, file, limit)
    )


class Shards:
    """The shards of a run's dataset. Each stores its result in the artifacts bucket."""

    def __init__(self, s3: Any, stage: Stage, run: Run) -> None:
        self._s3, self._run = s3, run
        self._bucket = stage.artifacts_bucket

    def check(self, shard: ByteRange, file: Source, asked: CheckOptions) -> None:
        """Check the lines that begin in one range, and store which versions of media were inspected."""
        self._put("check", shard, scan_range(file, Range(shard.split, shard.start, shard.stop), asked))
        body = msgspec.msgpack.encode(resolver_of(file).etags)
        self._s3.put_object(Bucket=self._bucket, Key=self._key("check", shard, "media"), Body=body)

    def report(
        self, shards: Sequence[ByteRange], files: Mapping[Split, Opened], asked: CheckOptions
    ) -> Report:
        """The report that a single pass over the whole dataset would have produced."""
        partials = (self._get("check", shard, RangeResult) for shard in shards)
        return merge_ranges(partials, sources_of(files), names_of(files), asked, opened=files)

    def plan(self, shards: Sequence[ByteRange], train: Source, held_out: Shares, near_together: bool) -> None:
        """Store for each shard of the training file which of its records are held out, as planned for the
        whole file."""
        mine = [shard for shard in shards if shard.split == "train"]
        counts = [0] * len(mine)

        def counted() -> Iterator[bytes]:
            for number, shard in enumerate(mine):
                for raw in lines.lines_of(train, shard.start, shard.stop):
                    counts[number] += 1
                    yield raw

        sides, place = plan(counted(), held_out, near_together), 0
        for shard, count in zip(mine, counts, strict=True):
            body = sides[place : place + count]
            self._s3.put_object(Bucket=self._bucket, Key=self._key("prepare", shard, "sides"), Body=body)
            place += count

    def _sides(self, shard: ByteRange, file: Source, held_out: Shares) -> Sides:
        if shard.split != "train":
            return b""
        if file.size > MOST_PLANNED_BYTES:
            return bytes(by_hash(raw, held_out) for raw in lines.lines_of(file, shard.start, shard.stop))
        key = self._key("prepare", shard, "sides")
        return bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def prepare(self, shard: ByteRange, file: Source, held_out: Shares, rules: MethodRules) -> None:
        """Split and convert the records that begin in one range."""
        sides = self._sides(shard, file, held_out)
        resolver = resolver_of(file)
        resolver.remember(self._media(shard))
        records = (block.body for block in lines.blocks(file, shard.start, shard.stop))
        with ExitStack() as stack:
            sinks: dict[Split, BinaryIO] = {
                split: stack.enter_context(tempfile.TemporaryFile()) for split in SPLITS
            }
            with Copies(self._s3, self._bucket, self._run.run_id) as copies:
                relocate = {shard.split: partial(copies.of, resolver)}
                prepared = prepare({shard.split: records}, sinks, sides, rules, relocate)
            for split, sink in sinks.items():
                if prepared.files[split].records:
                    sink.seek(0)
                    self._s3.upload_fileobj(sink, self._bucket, self._key("prepare", shard, f"{split}.jsonl"))
        self._put("prepare", shard, prepared)

    def _media(self, shard: ByteRange) -> dict[tuple[str, str], str]:
        """The versions of a range's media when it was checked."""
        key = self._key("check", shard, "media")
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if not aws.is_missing(error):
                raise
            return {}  # checked by an earlier release, which wrote none
        return msgspec.msgpack.decode(body, type=dict[tuple[str, str], str])

    def assemble(
        self, shards: Sequence[ByteRange], before: Sequence[Piece] = (), attempt: int = 1
    ) -> Prepared:
        """The results of all shards, merged: one object per split.

        Parameters
        ----------
        before
            Stored records that precede those of the shards, if these have a single split.
        attempt
            The attempt at the run, which is part of the objects' names.
        """
        made = [(shard, self._get("prepare", shard, Prepared)) for shard in shards]
        whole = merge(prepared for _, prepared in made)
        for split, written in whole.files.items():
            if written.records:
                pieces = [
                    Piece(self._key("prepare", shard, f"{split}.jsonl"), 0, prepared.files[split].bytes)
                    for shard, prepared in made
                ]
                key = naming.dataset_key(self._run.run_id, split, attempt)
                join.join(self._s3, self._bucket, [*before, *pieces], key)
        return whole

    def _key(self, work: str, shard: ByteRange, what: str) -> str:
        run = self._run
        return naming.dataset_shard_key(run.run_id, run.attempt, work, shard.split, shard.start, what)

    def _put(self, work: str, shard: ByteRange, made: msgspec.Struct) -> None:
        key = self._key(work, shard, "msgpack")
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=msgspec.msgpack.encode(made))

    def _get(self, work: str, shard: ByteRange, shape: type[T]) -> T:
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._key(work, shard, "msgpack"))
        return msgspec.msgpack.decode(answer["Body"].read(), type=shape)

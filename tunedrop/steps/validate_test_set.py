"""Validates additional test records for a trained model, together with its training data; only the test set
is written.

Training data and existing held-out records stay unchanged: a retry adds records and replaces none, so that no
one can retry until the test set suits the model. Equal records are evaluated once.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from typing import Any

import msgspec

from tunedrop import catalog, naming
from tunedrop.contracts import Dataset, DatasetFile, Run, Sharding, ShardWork
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.prepare.multipart import Piece
from tunedrop.dataset.prepare.split import Prepared, Written, merge, prepare
from tunedrop.dataset.sources.media_s3 import Copies
from tunedrop.dataset.sources.s3 import names_of, open_files, resolver_of, sources_of
from tunedrop.stage import Stage
from tunedrop.steps._validate_shards import Shards, ranges_of
from tunedrop.steps.validate_data import asked, in_its_words, keep, kept


def retest(
    s3: Any, stage: Stage, run: Run, trained: Dataset, done: Sharding | None = None
) -> Dataset | Sharding:
    """The dataset that the run's model was trained on, with the run's current test set.

    Parameters and result are those of `tunedrop.steps.validate_data.validate`.

    Raises
    ------
    InvalidDataset
        If a record of the test file violates a rule, or is in the training data.
    """
    if run.test is None and run.more_test is None:
        return trained
    again = _Retest(s3, stage, run, trained)
    if done is None:
        return again.begin()
    return again.go_on(done) if done.work.kind == "check" else again.end(done)


def _asked(run: Run) -> CheckOptions:
    """The files that the model was trained on are only compared with: they are paid, and rules may change."""
    return msgspec.structs.replace(asked(run), judged=("test",))


class _Retest:
    def __init__(self, s3: Any, stage: Stage, run: Run, trained: Dataset) -> None:
        self._s3, self._stage, self._run, self._trained = s3, stage, run, trained
        self._opened = open_files(s3, stage, run)
        self._files = sources_of(self._opened)
        self._shards = Shards(s3, stage, run)
        self._before = trained.test
        self._key = naming.dataset_key(run.run_id, "test", run.evaluation_attempt)

    def begin(self) -> Dataset | Sharding:
        if ranges := ranges_of(self._files, self._stage.validation_shard_bytes):
            work = ShardWork(kind="check", dataset=len(self._run.earlier_stages))
            return Sharding(work=work, shards=ranges)
        report = check_files(self._files, names_of(self._opened), _asked(self._run), self._opened)
        keep(self._s3, self._stage, self._run, report)
        return self._dataset(self._prepare(), report)

    def go_on(self, done: Sharding) -> Sharding:
        """Merge the findings of the shards, and plan the conversion of those of the test set."""
        report = self._shards.report(done.shards, self._opened, _asked(self._run))
        keep(self._s3, self._stage, self._run, report)
        work = msgspec.structs.replace(done.work, kind="prepare", method=self._trained.method)
        return Sharding(work=work, shards=tuple(one for one in done.shards if one.split == "test"))

    def end(self, done: Sharding) -> Dataset:
        before = self._before
        pieces = [Piece(naming.key_of(before.uri), 0, before.bytes)] if before is not None else []
        prepared = self._shards.assemble(done.shards, pieces, self._run.evaluation_attempt)
        return self._dataset([prepared, *self._prepared_before()], kept(self._s3, self._stage, self._run))

    def _prepare(self) -> list[Prepared]:
        """The parts of the current test set; only the new file if it begins with the existing records."""
        file, bucket = self._files["test"], self._stage.artifacts_bucket
        rules = catalog.find(self._run.base_model).methods[self._trained.method]
        with Copies(self._s3, bucket, self._run.run_id) as copies, tempfile.TemporaryFile() as sink:
            with in_its_words(self._run):
                prepared = prepare(
                    {"test": file.chunks(0, file.size)},
                    {"test": sink},
                    b"",
                    rules,
                    relocate={"test": partial(copies.of, resolver_of(file))},
                )
            before = self._bytes_before()
            sink.seek(0)
            adds = sink.read(len(before)) != before
            sink.seek(0)
            if not adds:
                self._s3.upload_fileobj(sink, bucket, self._key)
                return [prepared]
            with tempfile.TemporaryFile() as both:
                both.write(before)
                shutil.copyfileobj(sink, both)
                both.seek(0)
                self._s3.upload_fileobj(both, bucket, self._key)
        return [prepared, *self._prepared_before()]

    def _bytes_before(self) -> bytes:
        if self._before is None:
            return b""
        place = {"Bucket": self._stage.artifacts_bucket, "Key": naming.key_of(self._before.uri)}
        body: bytes = self._s3.get_object(**place)["Body"].read()
        return body

    def _prepared_before(self) -> list[Prepared]:
        if self._before is None:
            return []
        counts = {name: getattr(self._before, name) for name in Written.__struct_fields__}
        return [Prepared({"test": Written(**counts)}, f"{0:064x}")]

    def _dataset(self, parts: list[Prepared], report: Report) -> Dataset:
        uri = naming.uri(self._stage.artifacts_bucket, self._key)
        test = DatasetFile(uri=uri, **msgspec.structs.asdict(merge(parts).files["test"]))
        return msgspec.structs.replace(
            self._trained,
            test=test,
            split_off=self._before,
            warning_count=report.warning_count,
        )

"""The validate_data step: checks the uploaded dataset, then splits, converts and writes it for Bedrock.

For a dataset that is too large for one function, the step is called three times: to plan the shards, to merge
their findings, and to merge the prepared data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, BinaryIO

import msgspec

from tunedrop import catalog, naming
from tunedrop.catalog.method import MethodRules
from tunedrop.contracts import ByteRange, Dataset, DatasetFile, Run, ShardDone, Sharding, ShardWork
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report, plain_errors
from tunedrop.dataset.duplicates.candidates import SPLITS
from tunedrop.dataset.formats import json_lines
from tunedrop.dataset.prepare.plan import Shares, are_few, plan
from tunedrop.dataset.prepare.split import Prepared, prepare, shares
from tunedrop.dataset.sources.containers.reading import oversize
from tunedrop.dataset.sources.media_s3 import Copies
from tunedrop.dataset.sources.s3 import names_of, open_files, resolver_of, sources_of
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidDataset, InvalidManifest
from tunedrop.planning.plan import stage_runs
from tunedrop.stage import Stage
from tunedrop.steps._validate_shards import MOST_PLANNED_BYTES, Shards, ranges_of

NAMED_METHODS = ("distillation", "reinforcement")
"""Methods with settings of their own, which a manifest must request explicitly."""


def validate_all(s3: Any, stage: Stage, run: Run, done: Sharding | None = None) -> Dataset | Sharding:
    """Validate the run's dataset, after those of its earlier training phases, each for its own method.

    Parameters, result and errors are those of `validate`; messages name the phase.
    """
    runs = _runs(run)
    datasets = list(done.earlier) if done is not None else []
    for number in range(len(datasets), len(runs)):
        try:
            made = validate(s3, stage, runs[number], done)
        except InvalidDataset as error:
            where = f"stage {number + 1}:\n" if number + 1 < len(runs) else ""
            raise InvalidDataset(f"{where}{error}") from error
        if isinstance(made, Sharding):
            work = msgspec.structs.replace(made.work, dataset=number)
            return msgspec.structs.replace(made, work=work, earlier=tuple(datasets))
        datasets.append(made)
        done = None
    return msgspec.structs.replace(datasets.pop(), earlier=tuple(datasets))


def validate(s3: Any, stage: Stage, run: Run, done: Sharding | None = None) -> Dataset | Sharding:
    """Check the run's files; write the data for Bedrock, and the findings, to the artifacts bucket.

    Parameters
    ----------
    done
        The work that the shards of a large dataset have just finished.

    Returns
    -------
    Dataset | Sharding
        The dataset, or the work that its shards must do first.

    Raises
    ------
    InvalidDataset
        If a record violates a rule; the message has file, line and reason of the first findings.
    InvalidManifest
        If the base model does not support the purpose of the dataset.
    """
    validation = _Validation(s3, stage, run)
    if done is None:
        return validation.begin()
    return validation.go_on(done) if done.work.kind == "check" else validation.end(done)


def validate_shard(s3: Any, stage: Stage, run: Run, work: ShardWork, shard: ByteRange) -> ShardDone:
    """Check one shard of a large dataset; or split, convert and write it.

    `run` is the workflow's run; `work` says which of its datasets the shard belongs to.

    Raises
    ------
    InvalidDataset
        If the base model's format cannot express a record.
    """
    run = _runs(run)[work.dataset]
    file = open_files(s3, stage, run)[shard.split].source
    shards = Shards(s3, stage, run)
    if work.kind == "check":
        shards.check(shard, file, asked(run))
    elif work.method is not None:
        held_out = Shares(validation=work.validation_share, test=work.test_share)
        with in_its_words(run):
            rules = catalog.find(run.base_model).methods[work.method]
            shards.prepare(shard, file, held_out, rules)
    return ShardDone()


def keep(s3: Any, stage: Stage, run: Run, report: Report) -> None:
    """Write the findings to the artifacts bucket.

    Raises
    ------
    InvalidDataset
        If the dataset is not valid; the message says why.
    """
    s3.put_object(
        Bucket=stage.artifacts_bucket,
        Key=naming.validation_key(run.run_id),
        Body=msgspec.json.encode(report),
        ContentType="application/json",
    )
    if not report.valid or report.method is None or report.format is None:
        raise InvalidDataset("\n".join(plain_errors(report)) or "the dataset has no records")


def kept(s3: Any, stage: Stage, run: Run) -> Report:
    """The stored findings."""
    answer = s3.get_object(Bucket=stage.artifacts_bucket, Key=naming.validation_key(run.run_id))
    return msgspec.json.decode(answer["Body"].read(), type=Report)


def _runs(run: Run) -> list[Run]:
    """The earlier training phases as runs of their own, and the run."""
    return [*stage_runs(run), run]


def asked(run: Run) -> CheckOptions:
    """The options with which a run's dataset is checked."""
    return CheckOptions(base_model=catalog.find(run.base_model), method=run.method, rules=run.rules)


@contextmanager
def in_its_words(run: Run) -> Iterator[None]:
    """Name the base model in the error if its format cannot express a record."""
    try:
        yield
    except ValueError as error:
        raise InvalidDataset(f"{catalog.find(run.base_model).name}: {error}") from error


class _Validation:
    def __init__(self, s3: Any, stage: Stage, run: Run) -> None:
        self._s3, self._stage, self._run = s3, stage, run
        self._base_model = catalog.find(run.base_model)
        self._opened = open_files(s3, stage, run)
        self._files = sources_of(self._opened)
        self._shards = Shards(s3, stage, run)

    def begin(self) -> Dataset | Sharding:
        """The dataset, if one function can process it; else the shards for the check."""
        if why := oversize(self._files.values()):
            raise InvalidDataset(why)
        if ranges := ranges_of(self._files, self._stage.validation_shard_bytes):
            return Sharding(work=ShardWork(kind="check"), shards=ranges)
        report = check_files(self._files, names_of(self._opened), asked(self._run), self._opened)
        held_out = self._accept(report)
        return self._dataset(report, self._prepare(report, held_out))

    def go_on(self, done: Sharding) -> Sharding:
        """Merge the findings of the shards; without errors, plan what the shards prepare."""
        report = self._shards.report(done.shards, self._opened, asked(self._run))
        held_out = self._accept(report)
        if self._files["train"].size <= MOST_PLANNED_BYTES:
            near_together = are_few(report.near_duplicates, report.records)
            self._shards.plan(done.shards, self._files["train"], held_out, near_together)
        work = ShardWork(
            kind="prepare",
            method=report.method,
            validation_share=held_out.validation,
            test_share=held_out.test,
        )
        return Sharding(work=work, shards=done.shards)

    def end(self, done: Sharding) -> Dataset:
        """Merge the data that the shards have prepared."""
        report = kept(self._s3, self._stage, self._run)
        return self._dataset(report, self._shards.assemble(done.shards))

    def _accept(self, report: Report) -> Shares:
        """Store the report, refuse an invalid dataset, and return the shares to hold out."""
        keep(self._s3, self._stage, self._run, report)
        if self._run.method == "auto" and report.method in NAMED_METHODS:
            raise InvalidManifest(f"method: the records are for {report.method}; set it in the manifest")
        assert report.method is not None
        rules, name = self._rules(report), self._base_model.name
        if rules.format == "image-caption":
            raise InvalidManifest(
                f"base_model: {name} trains on images; Tunedrop can check such datasets but not train on them"
            )
        return shares(report.files["train"].records, self._files, rules)

    def _prepare(self, report: Report, held_out: Shares) -> Prepared:
        with ExitStack() as stack:
            copies = stack.enter_context(Copies(self._s3, self._stage.artifacts_bucket, self._run.run_id))
            sinks: dict[Split, BinaryIO] = {
                split: stack.enter_context(tempfile.TemporaryFile()) for split in SPLITS
            }
            sources = {split: file.chunks(0, file.size) for split, file in self._files.items()}
            relocate = {split: partial(copies.of, resolver_of(file)) for split, file in self._files.items()}
            with in_its_words(self._run):
                train = self._files["train"]
                near_together = are_few(report.near_duplicates, report.records)
                sides = plan(json_lines.lines_of(train), held_out, near_together)
                prepared = prepare(sources, sinks, sides, self._rules(report), relocate)
            for split, sink in sinks.items():
                if prepared.files[split].records:
                    sink.seek(0)
                    key = naming.dataset_key(self._run.run_id, split)
                    self._s3.upload_fileobj(sink, self._stage.artifacts_bucket, key)
        return prepared

    def _dataset(self, report: Report, prepared: Prepared) -> Dataset:
        assert report.method is not None
        assert report.format is not None
        train = self._file("train", prepared)
        if train is None:
            raise InvalidDataset("no records are left to train on")
        return Dataset(
            method=report.method,
            source_format=report.format,
            target_format=self._rules(report).format,
            content_hash=prepared.content_hash,
            train=train,
            validation=self._file("validation", prepared),
            test=self._file("test", prepared),
            warning_count=report.warning_count,
            report_uri=naming.uri(self._stage.artifacts_bucket, naming.validation_key(self._run.run_id)),
        )

    def _file(self, split: Split, prepared: Prepared) -> DatasetFile | None:
        written = prepared.files[split]
        uri = naming.uri(self._stage.artifacts_bucket, naming.dataset_key(self._run.run_id, split))
        return DatasetFile(uri=uri, **msgspec.structs.asdict(written)) if written.records else None

    def _rules(self, report: Report) -> MethodRules:
        assert report.method is not None
        return self._base_model.methods[report.method]

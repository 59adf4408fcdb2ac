"""The validate_data step: check what was uploaded, then split, convert and write it for Bedrock.

A dataset that is too large for one function comes by three times: to be told in which shards it is checked,
then to have their findings put together, then what they have prepared.
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
from tunedrop.dataset.sources.media_s3 import Copies
from tunedrop.dataset.sources.s3 import names_of, open_files, resolver_of, sources_of
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidDataset, InvalidManifest
from tunedrop.planning.plan import stage_runs
from tunedrop.stage import Stage
from tunedrop.steps._validate_shards import MOST_PLANNED_BYTES, Shards, ranges_of

NAMED_METHODS = ("distillation", "reinforcement")
"""Methods that have settings of their own: a manifest has to ask for them."""


def validate_all(s3: Any, stage: Stage, run: Run, done: Sharding | None = None) -> Dataset | Sharding:
    """The run's dataset, and those of its earlier stages before it, each checked for its own method.

    Takes, gives and raises as `validate`; the message says which stage it is about.
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
    """Check the run's files; write what Bedrock will read, and the findings, to the artifacts bucket.

    Parameters
    ----------
    done
        What the shards of a large dataset have just done.

    Returns
    -------
    Dataset | Sharding
        The dataset; or, while there is none, what its shards have to do first.

    Raises
    ------
    InvalidDataset
        If a record breaks a rule; the message says file, line and reason of the first ones.
    InvalidManifest
        If the base model does not take what the dataset is for.
    """
    validation = _Validation(s3, stage, run)
    if done is None:
        return validation.begin()
    return validation.go_on(done) if done.work.kind == "check" else validation.end(done)


def validate_shard(s3: Any, stage: Stage, run: Run, work: ShardWork, shard: ByteRange) -> ShardDone:
    """Check one shard of a large dataset; or split it, convert it and write it.

    `run` is the one that the workflow knows; `work` says which of its datasets it is.

    Raises
    ------
    InvalidDataset
        If the base model's format cannot say what a record says.
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
    """The findings as they were kept."""
    answer = s3.get_object(Bucket=stage.artifacts_bucket, Key=naming.validation_key(run.run_id))
    return msgspec.json.decode(answer["Body"].read(), type=Report)


def _runs(run: Run) -> list[Run]:
    """The earlier stages as runs of their own, and the run."""
    return [*stage_runs(run), run]


def asked(run: Run) -> CheckOptions:
    """What a run's dataset is checked for."""
    return CheckOptions(base_model=catalog.find(run.base_model), method=run.method, rules=run.rules)


@contextmanager
def in_its_words(run: Run) -> Iterator[None]:
    """Say which base model it is whose format cannot say what a record says."""
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
        """All of it, where one function can do that; else the shards in which it is to be checked."""
        if ranges := ranges_of(self._files, self._stage.validation_shard_bytes):
            return Sharding(work=ShardWork(kind="check"), shards=ranges)
        report = check_files(self._files, names_of(self._opened), asked(self._run), self._opened)
        held_out = self._accept(report)
        return self._dataset(report, self._prepare(report, held_out))

    def go_on(self, done: Sharding) -> Sharding:
        """The shards have been checked: their report; what they are to prepare, where it finds no error."""
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
        """The shards have prepared the dataset."""
        report = kept(self._s3, self._stage, self._run)
        return self._dataset(report, self._shards.assemble(done.shards))

    def _accept(self, report: Report) -> Shares:
        """Keep the report, refuse what is not valid, say what is to be held out."""
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

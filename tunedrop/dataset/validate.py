"""The validate_data step: check what was uploaded, then split, convert and write it for Bedrock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, naming
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, DatasetFile, Method, Run, S3Object
from tunedrop.dataset.check import Report, check, plain_errors
from tunedrop.dataset.file_rules import Split
from tunedrop.dataset.prepare import Prepared, prepare, shares
from tunedrop.errors import InvalidDataset, InvalidManifest
from tunedrop.stage import Stage
from tunedrop.training.plan import stage_runs

CHUNK = 1 << 20
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


NAMED_METHODS = ("distillation", "reinforcement")
"""Methods that have settings of their own: a manifest has to ask for them."""


def validate_all(s3: Any, stage: Stage, run: Run) -> Dataset:
    """The run's dataset, and those of its earlier stages, each checked for its own method.

    Raises as `validate`; the message says which stage it is about.
    """
    earlier = []
    for number, one in enumerate(stage_runs(run), start=1):
        try:
            earlier.append(validate(s3, stage, one))
        except InvalidDataset as error:
            raise InvalidDataset(f"stage {number}:\n{error}") from error
    return msgspec.structs.replace(validate(s3, stage, run), earlier=tuple(earlier))


def validate(s3: Any, stage: Stage, run: Run) -> Dataset:
    """Check the run's files; write what Bedrock will read, and the findings, to the artifacts bucket.

    Raises
    ------
    InvalidDataset
        When a record breaks a rule; the message says file, line and reason of the first ones.
    InvalidManifest
        When the base model does not take what the dataset is for.
    """
    files = {split: object_ for split in SPLITS if (object_ := getattr(run, split)) is not None}
    base_model = catalog.find(run.base_model)
    names = {split: object_.key.rpartition("/")[2] for split, object_ in files.items()}
    report = check(
        {split: _chunks(s3, object_) for split, object_ in files.items()}, names, base_model, run.method
    )
    report_key = naming.validation_key(run.run_id)
    s3.put_object(
        Bucket=stage.artifacts_bucket,
        Key=report_key,
        Body=msgspec.json.encode(report),
        ContentType="application/json",
    )
    if not report.valid or report.method is None or report.format is None:
        raise InvalidDataset("\n".join(plain_errors(report)) or "the dataset holds no record")
    if run.method == "auto" and report.method in NAMED_METHODS:
        raise InvalidManifest(f"method: the records are for {report.method}; say so in the manifest")
    prepared = _prepare(s3, stage, run, base_model, report.method, report, files)
    return _dataset(stage, run, base_model, report, prepared, naming.uri(stage.artifacts_bucket, report_key))


def _prepare(
    s3: Any,
    stage: Stage,
    run: Run,
    base_model: BaseModel,
    method: Method,
    report: Report,
    files: dict[Split, S3Object],
) -> Prepared:
    method_rules = base_model.methods[method]
    if method_rules.format == "image-caption":
        raise InvalidManifest(
            f"base_model: {base_model.name} learns from images, which is checked but not trained here"
        )
    if "validation" in files and not method_rules.takes_validation:
        raise InvalidManifest(f"data.validation: {base_model.name} takes no validation set; leave it out")
    held_out = shares(report.files["train"].records, files, method_rules)
    with ExitStack() as stack:
        sinks: dict[Split, BinaryIO] = {
            split: stack.enter_context(tempfile.TemporaryFile()) for split in SPLITS
        }
        sources: dict[Split, Iterable[bytes]] = {
            split: _chunks(s3, object_) for split, object_ in files.items()
        }
        try:
            prepared = prepare(sources, sinks, held_out, method_rules)
        except ValueError as error:
            raise InvalidDataset(f"{base_model.name}: {error}") from error
        for split, sink in sinks.items():
            if prepared.files[split].records:
                sink.seek(0)
                key = naming.dataset_key(run.run_id, split)
                s3.upload_fileobj(sink, stage.artifacts_bucket, key)
    return prepared


def _dataset(
    stage: Stage, run: Run, base_model: BaseModel, report: Report, prepared: Prepared, report_uri: str
) -> Dataset:
    assert report.method is not None
    assert report.format is not None

    def file(split: Split) -> DatasetFile | None:
        written = prepared.files[split]
        uri = naming.uri(stage.artifacts_bucket, naming.dataset_key(run.run_id, split))
        return DatasetFile(uri=uri, **msgspec.structs.asdict(written)) if written.records else None

    train = file("train")
    if train is None:
        raise InvalidDataset("no record is left to train on")
    return Dataset(
        method=report.method,
        source_format=report.format,
        target_format=base_model.methods[report.method].format,
        content_hash=prepared.content_hash,
        train=train,
        validation=file("validation"),
        test=file("test"),
        warning_count=report.warning_count,
        report_uri=report_uri,
    )


def _chunks(s3: Any, object_: S3Object) -> Iterator[bytes]:
    version = {"VersionId": object_.version_id} if object_.version_id else {}
    try:
        answer = s3.get_object(Bucket=object_.bucket, Key=object_.key, **version)
    except ClientError as error:
        if aws.is_missing(error):
            raise InvalidDataset(f"{object_.uri} was deleted after it was uploaded") from error
        raise
    yield from answer["Body"].iter_chunks(CHUNK)

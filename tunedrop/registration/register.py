"""From an upload to a run: read what was dropped, resolve it with the stage's defaults, give it an id."""

from __future__ import annotations

import functools
import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, clock, intake, manifest, naming
from tunedrop.contracts import (
    DeploymentSettings,
    EvaluationSettings,
    Failure,
    JudgeSettings,
    ReadOptions,
    Registration,
    Run,
    S3Object,
    TrainingStage,
)
from tunedrop.dataset.sources.names import in_order
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidManifest
from tunedrop.evaluation import grading
from tunedrop.manifest import Manifest
from tunedrop.planning import base_models, distillation, hyperparameters
from tunedrop.planning.base_models import LatestModel
from tunedrop.registration import retuning
from tunedrop.stage import Stage


class ObjectCreated(msgspec.Struct, frozen=True, kw_only=True):
    """What we use of S3's "Object Created" event (AmazonS3 user guide, ev-events, read 2026-11-23)."""

    source: S3Object
    requester: str
    time: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> ObjectCreated:
        detail = event["detail"]
        object_ = detail["object"]
        source = S3Object(
            bucket=detail["bucket"]["name"], key=object_["key"], version_id=object_.get("version-id", "")
        )
        return cls(source=source, requester=detail.get("requester", ""), time=event.get("time", ""))


MOST_FILES = 200
"""Of one part of a dataset: what names them travels with the run, whose state may have 256 KB."""
MOST_LISTED = 10_000

DataFiles = dict[str, S3Object]
"""A run's data files, by split."""


def register(
    s3: Any,
    stage: Stage,
    event: ObjectCreated,
    execution_arn: str,
    latest_model: LatestModel = base_models.no_models,
) -> Registration:
    """The run that an upload asks for, or why there is none. Writes nothing.

    A manifest that cannot be used still gives a run, `refused`, so that its owner can be told.
    """
    upload = intake.read_key(event.source.key)
    if upload.kind not in ("dataset", "manifest"):
        return Registration(outcome="ignored")
    if not event.source.version_id:
        event = msgspec.structs.replace(event, source=_versioned(s3, event.source))
    bare = _bare_run(stage, event, upload.name, execution_arn)
    try:
        document = base_models.with_model(_manifest(s3, event.source, upload), latest_model)
        if upload.kind == "dataset":
            run = resolve(stage, bare, document, {"train": event.source})
        else:
            locate = functools.partial(_data_files, s3, stage, event.source)
            earlier = [locate(one.data) for one in document.stages]
            run = resolve(stage, bare, document, locate(document.data), earlier)
            run = _with_retuning(s3, run, document)
    except InvalidManifest as error:
        failure = Failure(error=type(error).__name__, cause=str(error), step="register_run")
        return Registration(outcome="refused", run=bare, failure=failure)
    return Registration(outcome="registered", run=run)


def read_step(s3: Any, source: S3Object) -> str:
    """The step that a retry object names; empty when it names none."""
    body = s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read(64)
    return str(body.decode(errors="replace").strip())


def _versioned(s3: Any, source: S3Object) -> S3Object:
    """The object with its version, where the event did not say it."""
    head = s3.head_object(Bucket=source.bucket, Key=source.key)
    return msgspec.structs.replace(source, version_id=head.get("VersionId", ""))


def _bare_run(stage: Stage, event: ObjectCreated, name: str, execution_arn: str) -> Run:
    source = event.source
    return Run(
        run_id=naming.run_id(name, [source.bucket, source.key, source.version_id]),
        name=name,
        source=source,
        train=source,
        budget_usd=stage.budget_usd,
        uploaded_by=event.requester,
        # LastModified has whole seconds: with a fraction here, an approve object put in the same
        # second would look older than its run.
        created_at=clock.write(clock.read(event.time)) if event.time else clock.now(),
        execution_arn=execution_arn,
    )


def _manifest(s3: Any, source: S3Object, upload: intake.Upload) -> Manifest:
    if upload.kind == "dataset":
        return Manifest(data=manifest.Data(train=posixpath.basename(source.key)))
    version = {"VersionId": source.version_id} if source.version_id else {}
    answer = s3.get_object(Bucket=source.bucket, Key=source.key, **version)
    return manifest.read(answer["Body"].read(manifest.MAX_BYTES + 1), posixpath.basename(source.key))


def _data_files(s3: Any, stage: Stage, source: S3Object, data: manifest.Data) -> DataFiles:
    splits: tuple[Split, ...] = ("train", "validation", "test")
    return {
        split: _joined(list(_objects(s3, stage, source, f"data.{split}", names)))
        for split in splits
        if (names := data.of(split))
    }


def _joined(files: list[S3Object]) -> S3Object:
    """Several objects as one data file."""
    return msgspec.structs.replace(files[0], more=tuple(files[1:]))


def _objects(s3: Any, stage: Stage, source: S3Object, path: str, names: Sequence[str]) -> Iterator[S3Object]:
    """The objects that a manifest names for one part, each once, those of a pattern in their order."""
    found: dict[tuple[str, str], None] = {}
    for name in names:
        bucket, key = _locate(stage, source, path, name)
        keys = _matching(s3, path, bucket, key) if manifest.is_pattern(name) else [key]
        found |= dict.fromkeys((bucket, key) for key in keys)
    if len(found) > MOST_FILES:
        raise InvalidManifest(f"{path} is {len(found):,} files; it takes {MOST_FILES}: join some of them")
    for bucket, key in found:
        yield _data_file(s3, path, bucket, key)


def _matching(s3: Any, path: str, bucket: str, pattern: str) -> list[str]:
    """The keys that a pattern stands for, in the order of the numbers in them; `*` stops at a slash."""
    begin = re.match(r"[^*?\[]*", pattern)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=begin[0] if begin else "")
    matches = re.compile(_expression(pattern)).fullmatch
    listed = (one["Key"] for page in pages for one in page.get("Contents", ()))
    keys = in_order(key for key in itertools.islice(listed, MOST_LISTED) if matches(key))
    if not keys:
        raise InvalidManifest(f"{path}: no object is named s3://{bucket}/{pattern}; upload the data first")
    return keys


def _expression(pattern: str) -> str:
    """A pattern of file names as a regular expression: `*` and `?` stop at a slash."""
    parts = re.split(r"(\*|\?|\[!?[^\]/]+\])", pattern)
    meant = {"*": "[^/]*", "?": "[^/]"}
    every_other = (
        meant.get(part) or (part.replace("[!", "[^") if at % 2 else re.escape(part))
        for at, part in enumerate(parts)
    )
    return "".join(every_other)


def _data_file(s3: Any, path: str, bucket: str, key: str) -> S3Object:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.is_missing(error):
            raise InvalidManifest(
                f"{path}: there is no s3://{bucket}/{key}; upload the data first and the manifest last"
            ) from error
        if aws.code_of(error) in ("403", "AccessDenied", "Forbidden"):
            raise InvalidManifest(
                f"{path}: s3://{bucket}/{key} may not be read; check the bucket's policy and its key's"
            ) from error
        raise
    return S3Object(bucket=bucket, key=key, version_id=aws.version_of(head))


def _locate(stage: Stage, source: S3Object, path: str, name: str) -> tuple[str, str]:
    if name.startswith("s3://"):
        bucket, key = naming.place_of(name)
        allowed = (stage.intake_bucket, *stage.data_buckets)
        if bucket not in allowed:
            raise InvalidManifest(
                f"{path}: the stage does not allow the bucket {bucket}; "
                f"allowed are {', '.join(allowed)} (setting data_buckets)"
            )
        return bucket, key
    folder = posixpath.dirname(source.key)
    key = posixpath.normpath(posixpath.join(folder, name))
    if not key.startswith(folder + "/"):
        raise InvalidManifest(f"{path}: {name} is not beside the manifest; name a file in {folder}/")
    return source.bucket, key


def _with_retuning(s3: Any, run: Run, document: Manifest) -> Run:
    """The same with what its data holds now, where it is to be tuned again when that has grown."""
    if document.retune is None:
        return run
    heads = (_head(s3, one) for one in retuning.data_files(run))
    settings = retuning.settings_of(document, run.source, sum(head["ContentLength"] for head in heads))
    again = msgspec.structs.replace(run, retune=settings)
    return msgspec.structs.replace(again, run_id=naming.run_id(run.name, _identity(again)))


def _head(s3: Any, file: S3Object) -> dict[str, Any]:
    version = {"VersionId": file.version_id} if file.version_id else {}
    head: dict[str, Any] = s3.head_object(Bucket=file.bucket, Key=file.key, **version)
    return head


def resolve(
    stage: Stage,
    bare: Run,
    document: Manifest,
    files: DataFiles,
    earlier: Sequence[DataFiles] = (),
) -> Run:
    """The run with everything that a manifest leaves to the stage filled in.

    Parameters
    ----------
    files, earlier
        The data of the run, and of the stages before it.

    Raises
    ------
    InvalidManifest
        When the base model is unknown, or does not take a setting.
    """
    base_model, parent_model = base_models.find(stage, document.base_model or stage.default_base_model)
    resolved = msgspec.structs.replace(
        bare,
        method=document.method,
        base_model=base_model.id,
        parent_model=parent_model,
        hyperparameters=hyperparameters.resolve(base_model, document.method, document.hyperparameters),
        candidates=hyperparameters.candidates(
            base_model, document.method, document.hyperparameters, document.search
        ),
        earlier_stages=tuple(
            TrainingStage(
                method=one.method,
                hyperparameters=hyperparameters.resolve(base_model, one.method, one.hyperparameters),
                reading=one.data.reading,
                **data,
            )
            for one, data in zip(document.stages, earlier, strict=True)
        ),
        reading=document.data.reading,
        keep_models=document.keep_models,
        teacher=distillation.teacher_of(base_model, parent_model, document),
        grader=grading.grader_of(stage, base_model, parent_model, document),
        budget_usd=stage.budget_usd if document.budget_usd is None else document.budget_usd,
        deployment=_deployment(stage, document.deployment),
        evaluation=_evaluation(stage, document.evaluation),
        **files,
    )
    return msgspec.structs.replace(resolved, run_id=naming.run_id(bare.name, _identity(resolved)))


def _identity(run: Run) -> Iterator[str]:
    """What makes two runs the same: object versions and resolved settings, not who or when."""
    yield msgspec.json.encode(
        (run.source, run.train, run.validation, run.test, run.method, run.base_model)
    ).decode()
    yield msgspec.json.encode(run.hyperparameters, order="sorted").decode()
    yield msgspec.json.encode((run.budget_usd, run.deployment, run.evaluation)).decode()
    more = (run.parent_model, run.earlier_stages, run.candidates, run.teacher, run.grader, run.retune)
    if any(more):
        yield msgspec.json.encode(more, order="sorted").decode()
    if run.reading != ReadOptions():
        yield msgspec.json.encode(run.reading, order="sorted").decode()


def _deployment(stage: Stage, asked: manifest.Deployment) -> DeploymentSettings:
    if asked.commitment != "none" and not stage.allow_commitment:
        raise InvalidManifest(
            f"deployment.commitment: {asked.commitment} cannot be ended before its time and this stage does "
            "not allow it; use none, or set allow_commitment for the stage"
        )
    return DeploymentSettings(
        mode=asked.mode,
        model_units=asked.model_units,
        commitment=asked.commitment,
        keep_for_seconds=None if asked.keep_for is None else clock.duration_seconds(asked.keep_for),
        stable_arn=stage.stable_arn if asked.stable_arn is None else asked.stable_arn,
    )


def _evaluation(stage: Stage, asked: manifest.Evaluation) -> EvaluationSettings:
    return EvaluationSettings(
        metric=asked.metric,
        min_improvement=stage.min_improvement if asked.min_improvement is None else asked.min_improvement,
        confidence=stage.confidence if asked.confidence is None else asked.confidence,
        max_prompts=asked.max_prompts,
        judge=_judge(asked.judge),
        general_ability=stage.general_ability if asked.general_ability is None else asked.general_ability,
    )


def _judge(asked: str | manifest.Judge | None) -> JudgeSettings | None:
    """The judge under the id that inference takes, where the catalog knows the model."""
    if asked is None:
        return None
    judge = manifest.Judge(model=asked) if isinstance(asked, str) else asked
    try:
        model = catalog.find(judge.model).inference_id
    except LookupError:
        model = judge.model
    return JudgeSettings(model=model, rubric=judge.rubric, via=judge.via)

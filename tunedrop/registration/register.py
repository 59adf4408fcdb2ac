"""From an upload to a run: read what was dropped, resolve it with the stage's defaults, give it an id."""

from __future__ import annotations

import functools
import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, catalog, clock, intake, manifest, naming, shown
from tunedrop.contracts import (
    DeploymentSettings,
    EvaluationSettings,
    Failure,
    JudgeSettings,
    ReadOptions,
    Registration,
    RuleSettings,
    Run,
    S3Object,
    TrainingStage,
)
from tunedrop.dataset.rules import settings as rule_settings
from tunedrop.dataset.types import Split
from tunedrop.errors import InvalidManifest, TooManyRuns
from tunedrop.evaluation import grading
from tunedrop.formatting.commands import command
from tunedrop.intake.file_names import in_order
from tunedrop.intake.tenants import readable, tenant_of
from tunedrop.manifest import Manifest
from tunedrop.planning import base_models, distillation, hyperparameters
from tunedrop.planning.base_models import LatestModel
from tunedrop.registration import folders, recipients, retuning, succession
from tunedrop.stage import Stage


class ObjectCreated(msgspec.Struct, frozen=True, kw_only=True):
    """What we use of S3's "Object Created" event (AmazonS3 user guide, ev-events, read 2026-11-23).

    `base_model` is of the sweep's own events alone: it takes the place of the manifest's.
    """

    source: S3Object
    requester: str
    time: str
    size: int = 1
    reason: str = ""
    base_model: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> ObjectCreated:
        detail = event["detail"]
        object_ = detail["object"]
        source = S3Object(
            bucket=detail["bucket"]["name"], key=object_["key"], version_id=object_.get("version-id", "")
        )
        return cls(
            source=source,
            requester=detail.get("requester", ""),
            time=event.get("time", ""),
            size=object_.get("size", 1),
            reason=detail.get("reason", ""),
            base_model=detail.get("base-model", ""),
        )


MOST_FILES = 200
"""Of one part of a dataset: what names them travels with the run, whose state may have 256 KB."""
MOST_PATTERNS = 20
"""Of one part of a dataset: each lists a bucket."""
MOST_LISTED = 10_000
"""Objects under the beginning of a pattern."""
MAX_KEY = 1_024
"""Bytes of an object's key (S3 user guide, object-keys, read 2026-11-29)."""

MAX_RUN_BYTES = 100_000
"""Of a run as JSON. It goes from state to state beside what its steps leave, 256 KiB in all (Step Functions
guide, service-quotas); an execution over it ends at once, and no Catch is asked."""

MAX_CAUSE = 8_000
"""Characters of a failure that travel with the run; Step Functions carries 256 KiB in all."""

GROWN = "grown"
"""The reason of an event that starts a run on data that has grown, under a manifest that has one already."""

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

    Whatever cannot be used still gives a run, `refused`, so that its owner can be notified.

    Raises
    ------
    ClientError, BotoCoreError
        When a later try may succeed: S3 throttles, is down, or a permission is missing.
    """
    upload = intake.read_key(event.source.key)
    starts = upload.kind in ("dataset", "folder", "manifest") or (upload.kind == "shard" and event.reason)
    if not starts or intake.is_folder(event.source.key, event.size):
        return Registration(outcome="ignored")
    bare = _bare_run(stage, event, upload.name, execution_arn)
    tenant = tenant_of(stage, event.source.key)
    try:
        _refuse_name(upload.name)
        if stage.tenants and tenant is None:
            raise InvalidManifest(
                f"{event.source.uri} is in no tenant's prefix; upload to drop/ or runs/ under one of "
                f"{', '.join(stage.tenants)} (setting tenants)"
            )
        document = _manifest(s3, event.source, upload)
        bare = msgspec.structs.replace(bare, notify=recipients.of(stage, bare, document, tenant))
        _refuse_foreign_model(tenant, document)
        if event.base_model:
            named = document.base_model or stage.default_base_model
            document, left_out = succession.on_successor(document, event.base_model)
            bare = msgspec.structs.replace(bare, succeeds=named, left_out=left_out)
        document = base_models.with_model(document, latest_model)
        if upload.kind == "dataset":
            run = resolve(stage, bare, document, {"train": event.source})
        elif upload.kind in ("folder", "shard"):
            run = resolve(stage, bare, document, _folder(s3, event.source))
        else:
            locate = functools.partial(_data_files, s3, stage, event.source)
            earlier = [locate(one.data) for one in document.stages]
            run = resolve(stage, bare, document, locate(document.data), earlier)
            run = _with_retuning(s3, run, document)
        _refuse_too_large(run)
    except InvalidManifest as error:
        return _refused(bare, type(error).__name__, str(error))
    return Registration(outcome="registered", run=run)


def _refuse_too_large(run: Run) -> None:
    if (size := len(msgspec.json.encode(run))) > MAX_RUN_BYTES:
        raise InvalidManifest(
            f"the names of the data files, with the settings, are {size:,} bytes; a run carries at most "
            f"{MAX_RUN_BYTES:,}: merge some of the files, or give them shorter names"
        )


def refused(stage: Stage, event: ObjectCreated, execution_arn: str, failure: Failure) -> Registration:
    """A run for an upload that could not be registered, so that somebody is notified. Reads nothing."""
    name = intake.read_key(event.source.key).name or intake.name_of(event.source.key)
    return _refused(_bare_run(stage, event, name, execution_arn), failure.error, failure.cause)


def _refused(run: Run, error: str, cause: str) -> Registration:
    failure = Failure(error=error, cause=shown.lines(cause)[:MAX_CAUSE], step="register_run")
    return Registration(outcome="refused", run=run, failure=failure)


def too_many(stage: Stage, run: Run, tenant: str) -> Failure:
    """Why a run has to be resumed later: as many as the stage allows are open."""
    cause = (
        f"{stage.max_open_runs:,} runs of {tenant or f'stage {stage.name}'} are open, and no more may be at "
        "once (setting max_open_runs). The upload is kept. When some of them have ended, resume this run: "
        + command("retry", run.run_id, options=f"--stage {stage.name}")
    )
    return Failure(error=TooManyRuns.__name__, cause=cause, step="register_run")


def read_step(s3: Any, source: S3Object) -> str:
    """The step that a retry object names; empty when it names none, or cannot be read."""
    try:
        body = s3.get_object(Bucket=source.bucket, Key=source.key, **_version(source))["Body"].read(64)
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return ""
    return str(body.decode(errors="replace").strip())


def _refuse_foreign(stage: Stage, source: S3Object, path: str, named: S3Object) -> None:
    """A manifest names data only where its uploader's prefix may read.

    Raises
    ------
    InvalidManifest
        When the stage has tenants, and this is another one's.
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


def _refuse_foreign_model(tenant: str | None, document: Manifest) -> None:
    """A model has learned its data: `from` goes on with a run of the same tenant alone."""
    if tenant is not None and (document.base_model or "").startswith("arn:"):
        raise InvalidManifest(
            f"base_model: an ARN does not say whose data a model has learned; name a run of {tenant}/ by from"
        )
    if tenant is not None and document.from_run and not document.from_run.startswith(f"{tenant}/"):
        raise InvalidManifest(
            f"from: {tenant} may not continue from {shown.line(document.from_run)[:200]}; "
            f"name a run of {tenant}/"
        )


def _refuse_name(name: str) -> None:
    if naming.looks_like_a_run_id(name):
        raise InvalidManifest(f"{name} looks like a run id and could be mistaken for one; use another name")


def _version(source: S3Object) -> dict[str, str]:
    return {"VersionId": source.version_id} if source.version_id else {}


def _refusal(error: ClientError, path: str, source: S3Object) -> InvalidManifest:
    """Why an object cannot be used.

    Raises
    ------
    ClientError
        When a later try may succeed.
    """
    if aws.is_missing(error) or aws.code_of(error) in ("NoSuchVersion", "MethodNotAllowed"):
        return InvalidManifest(
            f"{path}: there is no {source.uri}; upload the data first and the manifest last"
        )
    if aws.is_transient(error) or aws.is_forbidden(error):
        raise error
    return InvalidManifest(
        f"{path}: {source.uri} cannot be read: {shown.line(aws.explain(error))}. Upload it again, without "
        "your own encryption key (the bucket encrypts it) and not to an archive storage class"
    )


def _bare_run(stage: Stage, event: ObjectCreated, name: str, execution_arn: str) -> Run:
    source = event.source
    tenant = tenant_of(stage, source.key)
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
        tenant=tenant or "",
        notify=recipients.of_tenant(stage, tenant),
    )


def _manifest(s3: Any, source: S3Object, upload: intake.Upload) -> Manifest:
    if upload.kind != "manifest":
        return Manifest(
            data=manifest.Data(train=posixpath.basename(source.key)), again=_says_again(s3, source)
        )
    name = posixpath.basename(source.key)
    try:
        answer = s3.get_object(Bucket=source.bucket, Key=source.key, **_version(source))
    except ClientError as error:
        raise _refusal(error, name, source) from error
    document = manifest.read(answer["Body"].read(manifest.MAX_BYTES + 1), name)
    again = document.again or intake.AGAIN in answer.get("Metadata", {})
    return msgspec.structs.replace(document, again=again)


def _says_again(s3: Any, source: S3Object) -> bool:
    """Whether a dropped dataset is to be trained although it was before; no where that cannot be read."""
    try:
        head = s3.head_object(Bucket=source.bucket, Key=source.key, **_version(source))
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return False
    return intake.AGAIN in head.get("Metadata", {})


def _data_files(s3: Any, stage: Stage, source: S3Object, data: manifest.Data) -> DataFiles:
    splits: tuple[Split, ...] = ("train", "validation", "test")
    return {
        split: _joined(list(_objects(s3, stage, source, f"data.{split}", names)))
        for split in splits
        if (names := data.of(split))
    }


def _folder(s3: Any, source: S3Object) -> DataFiles:
    """The data files of a folder below `drop/`."""
    parts = folders.keys_by_split(s3, source.bucket, source.key)
    if any(len(keys) > MOST_FILES for keys in parts.values()):
        raise InvalidManifest(f"a part of a dataset is at most {MOST_FILES} files; merge some of them")
    return {
        split: _joined([_data_file(s3, split, source.bucket, key) for key in keys])
        for split, keys in parts.items()
    }


def _joined(files: list[S3Object]) -> S3Object:
    """Several objects as one data file."""
    return msgspec.structs.replace(files[0], more=tuple(files[1:]))


def _objects(s3: Any, stage: Stage, source: S3Object, path: str, names: Sequence[str]) -> Iterator[S3Object]:
    """The objects that a manifest names for one part, each once, those of a pattern in their order."""
    if (patterns := sum(map(manifest.is_pattern, names))) > MOST_PATTERNS or len(names) > MOST_FILES:
        raise InvalidManifest(
            f"{path} names {len(names):,} files and patterns ({patterns:,} patterns); it takes {MOST_FILES}, "
            f"{MOST_PATTERNS} patterns among them: merge some of the files, or use fewer patterns"
        )
    found: dict[tuple[str, str], None] = {}
    for name in names:
        bucket, key = _locate(stage, source, path, name)
        keys = _matching(s3, path, bucket, key) if manifest.is_pattern(name) else [key]
        found |= dict.fromkeys((bucket, key) for key in keys)
    if len(found) > MOST_FILES:
        raise InvalidManifest(
            f"{path} is {len(found):,} files; at most {MOST_FILES} are allowed: merge some of them"
        )
    for bucket, key in found:
        yield _data_file(s3, path, bucket, key)


def _matching(s3: Any, path: str, bucket: str, pattern: str) -> list[str]:
    """The keys that a pattern stands for, in the order of the numbers in them; `*` stops at a slash."""
    named = S3Object(bucket=bucket, key=pattern)
    begin = re.match(r"[^*?\[]*", pattern)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=begin[0] if begin else "")
    try:
        matches = re.compile(_expression(pattern)).fullmatch
        every = (one["Key"] for page in pages for one in page.get("Contents", ()))
        listed = list(itertools.islice(every, MOST_LISTED + 1))
    except re.error as error:
        raise InvalidManifest(f"{path}: {named.uri[:200]} is not a pattern: {error}") from error
    except ClientError as error:
        raise _refusal(error, path, named) from error
    if len(listed) > MOST_LISTED:
        raise InvalidManifest(
            f"{path}: more than {MOST_LISTED:,} objects begin like {named.uri[:200]}; name a longer beginning"
        )
    keys = in_order(key for key in listed if matches(key))
    if not keys:
        raise InvalidManifest(f"{path}: no object is named {named.uri[:200]}; upload the data first")
    return keys


def _expression(pattern: str) -> str:
    """A pattern of file names as a regular expression: `*` and `?` stop at a slash.

    What follows a star is looked for once, from the left, and never again: no pattern takes long.
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
        raise _refusal(error, path, found) from error
    return msgspec.structs.replace(found, **aws.pin_of(head))


def _locate(stage: Stage, source: S3Object, path: str, name: str) -> tuple[str, str]:
    if name.startswith("s3://"):
        bucket, key = naming.place_of(name)
        allowed = (stage.intake_bucket, *stage.data_buckets)
        if bucket not in allowed:
            raise InvalidManifest(
                f"{path}: the stage does not allow the bucket {shown.line(bucket)[:200]}; "
                f"allowed are {', '.join(allowed)} (setting data_buckets)"
            )
        _refuse_foreign(stage, source, path, S3Object(bucket=bucket, key=key))
        return bucket, key
    folder = posixpath.dirname(source.key)
    key = posixpath.normpath(posixpath.join(folder, name))
    if not key.startswith(folder + "/"):
        raise InvalidManifest(
            f"{path}: {shown.line(name)[:200]} is not in the manifest's folder; "
            f"name a file in {shown.line(folder)}/"
        )
    return source.bucket, key


def _with_retuning(s3: Any, run: Run, document: Manifest) -> Run:
    """The same with what its data holds now, where it is to be tuned again when that has grown."""
    if document.retune is None:
        return run
    heads = (_head(s3, "data", one) for one in retuning.data_files(run))
    settings = retuning.settings_of(document, run.source, sum(head["ContentLength"] for head in heads))
    again = msgspec.structs.replace(run, retune=settings)
    return msgspec.structs.replace(again, run_id=naming.run_id(run.name, _identity(again)))


def _head(s3: Any, path: str, file: S3Object) -> dict[str, Any]:
    try:
        head: dict[str, Any] = s3.head_object(Bucket=file.bucket, Key=file.key, **_version(file))
    except ClientError as error:
        raise _refusal(error, path, file) from error
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
    for method in (document.method, *(one.method for one in document.stages)):
        base_models.refuse_untunable(stage, base_model, method)
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
        rules=rule_settings.resolved(stage.rules, document.rules),
        keep_models=document.keep_models,
        again=document.again,
        teacher=distillation.teacher_of(base_model, parent_model, document),
        grader=grading.grader_of(stage, base_model, parent_model, document),
        accept_eula=document.accept_eula or base_model.id in stage.accept_eula,
        budget_usd=stage.budget_usd if document.budget_usd is None else document.budget_usd,
        deployment=_deployment(stage, document.deployment),
        evaluation=_evaluation(stage, document.evaluation),
        **files,
    )
    return msgspec.structs.replace(resolved, run_id=naming.run_id(bare.name, _identity(resolved)))


def _identity(run: Run) -> Iterator[str]:
    """What makes two runs the same: object versions and resolved settings, not who or when."""
    yield _written((run.source, run.train, run.validation, run.test, run.method, run.base_model))
    yield msgspec.json.encode(run.hyperparameters, order="sorted").decode()
    yield msgspec.json.encode((run.budget_usd, run.deployment, run.evaluation)).decode()
    more = (run.parent_model, run.earlier_stages, run.candidates, run.teacher, run.grader, run.retune)
    if any(more):
        yield _written(more, order="sorted")
    if run.accept_eula:
        yield "accept_eula"
    if run.reading != ReadOptions():
        yield msgspec.json.encode(run.reading, order="sorted").decode()
    if run.rules != RuleSettings():
        yield msgspec.json.encode(run.rules, order="sorted").decode()


def _written(value: object, order: Literal["sorted"] | None = None) -> str:
    """As JSON, without empty ETags, which earlier releases did not know: the same upload keeps its id."""
    return msgspec.json.encode(value, order=order).replace(b',"etag":""', b"").decode()


def _deployment(stage: Stage, asked: manifest.Deployment) -> DeploymentSettings:
    if asked.commitment != "none" and not stage.allow_commitment:
        raise InvalidManifest(
            f"deployment.commitment: {asked.commitment} cannot be ended early, and this stage does "
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
        few_shot=asked.few_shot,
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

"""From an upload to a run: read what was uploaded, complete it with the stage's defaults, give it an id."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, escaping, intake, manifest, naming
from tunedrop.contracts import Failure, Method, Registration, Run, S3Object
from tunedrop.errors import InvalidManifest, TooManyRuns
from tunedrop.formatting.commands import command
from tunedrop.intake.tenants import tenant_of
from tunedrop.manifest import Manifest
from tunedrop.planning import base_models
from tunedrop.planning.base_models import LatestModel
from tunedrop.registration import _data_files, _recipients, retuning, succession
from tunedrop.registration._events import ObjectCreated
from tunedrop.registration._run_settings import identity, resolve
from tunedrop.stage import Stage
from tunedrop.training import parents

MAX_RUN_BYTES = 100_000
"""Size of a run as JSON. It travels from state to state with the results of the steps, 256 KiB in all (Step
Functions guide, service-quotas); an execution that exceeds this ends at once, and no Catch applies."""

MethodOf = Callable[[str], Method | None]
"""The method by which the model of an ARN was made, where it decides which may follow."""

MAX_CAUSE = 8_000
"""Characters of a failure that travel with the run."""


def register(
    s3: Any,
    stage: Stage,
    event: ObjectCreated,
    execution_arn: str,
    latest_model: LatestModel = base_models.no_models,
    method_of: MethodOf = lambda _: None,
) -> Registration:
    """Resolve the run of an upload, or the reason why there is none. Writes nothing.

    An upload that cannot be used gives a `refused` run, so that its owner is notified.

    Raises
    ------
    ClientError, BotoCoreError
        If a later try may succeed: S3 throttles, is down, or a permission is missing.
    """
    upload = intake.read_key(event.source.key, stage.tenants)
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
        bare = permitted(stage, bare, document)
        if event.base_model:
            named = document.base_model or stage.default_base_model
            document, left_out = succession.on_successor(document, event.base_model)
            bare = msgspec.structs.replace(bare, succeeds=named, left_out=left_out)
        document = base_models.with_model(document, latest_model)
        if upload.kind == "dataset":
            run = resolve(stage, bare, document, {"train": event.source})
        elif upload.kind in ("folder", "shard"):
            run = resolve(stage, bare, document, _data_files.in_folder(s3, stage, event.source))
        else:
            locate = functools.partial(_data_files.named_in, s3, stage, event.source)
            earlier = [locate(one.data) for one in document.stages]
            run = resolve(stage, bare, document, locate(document.data), earlier)
            run = _with_retuning(s3, run, document)
        _refuse_order(run, method_of)
        _refuse_too_large(run)
    except InvalidManifest as error:
        return _refused(bare, type(error).__name__, str(error))
    return Registration(outcome="registered", run=run)


def refused(stage: Stage, event: ObjectCreated, execution_arn: str, failure: Failure) -> Registration:
    """A refused run for an upload that could not be registered, so that its owner is notified. Reads
    nothing."""
    key = event.source.key
    name = intake.read_key(key, stage.tenants).name or intake.name_of(key)
    return _refused(_bare_run(stage, event, name, execution_arn), failure.error, failure.cause)


def too_many(stage: Stage, run: Run, tenant: str) -> Failure:
    """The failure of a run above the stage's maximum of open runs; it can be resumed later."""
    cause = (
        f"{stage.max_open_runs:,} runs of {tenant or f'stage {stage.name}'} are open, which is the maximum "
        "(setting max_open_runs). The upload is kept. When some of them have ended, resume this run: "
        + command("retry", run.run_id, options=f"--stage {stage.name}")
    )
    return Failure(error=TooManyRuns.__name__, cause=cause, step="register_run")


def permitted(stage: Stage, run: Run, document: Manifest) -> Run:
    """The run with its recipients, if its stage and tenant allow these and the model that it continues from.

    Raises
    ------
    InvalidManifest
        If they do not.
    """
    tenant = run.tenant or None
    _refuse_foreign_model(tenant, document)
    return msgspec.structs.replace(run, notify=_recipients.of(stage, run, document, tenant))


def _refused(run: Run, error: str, cause: str) -> Registration:
    failure = Failure(error=error, cause=escaping.lines(cause)[:MAX_CAUSE], step="register_run")
    return Registration(outcome="refused", run=run, failure=failure)


def _refuse_order(run: Run, method_of: MethodOf) -> None:
    """Refuse a run whose first method cannot go on with the model that it starts from."""
    if run.parent_model:
        first = run.earlier_stages[0].method if run.earlier_stages else run.method
        parents.refuse_order(run.parent_model, run.base_model, method_of(run.parent_model), first)


def _refuse_too_large(run: Run) -> None:
    if (size := len(msgspec.json.encode(run))) > MAX_RUN_BYTES:
        raise InvalidManifest(
            f"the names of the data files, with the settings, are {size:,} bytes; a run carries at most "
            f"{MAX_RUN_BYTES:,}: merge some of the files, or give them shorter names"
        )


def _refuse_foreign_model(tenant: str | None, document: Manifest) -> None:
    """A model contains what it learned, so `from` may only name a run of the same tenant."""
    if tenant is not None and (document.base_model or "").startswith("arn:"):
        raise InvalidManifest(
            f"base_model: an ARN does not say whose data a model has learned; name a run of {tenant}/ by from"
        )
    if tenant is not None and document.from_run and not document.from_run.startswith(f"{tenant}/"):
        raise InvalidManifest(
            f"from: {tenant} may not continue from {escaping.line(document.from_run)[:200]}; "
            f"name a run of {tenant}/"
        )


def _refuse_name(name: str) -> None:
    if naming.looks_like_a_run_id(name):
        raise InvalidManifest(f"{name} looks like a run id and could be mistaken for one; use another name")


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
        # LastModified has whole seconds: with a fraction here, an approve object of the same second would
        # seem older than its run.
        created_at=clock.write(clock.read(event.time)) if event.time else clock.now(),
        execution_arn=execution_arn,
        tenant=tenant or "",
        notify=_recipients.of_tenant(stage, tenant),
    )


def _manifest(s3: Any, source: S3Object, upload: intake.Upload) -> Manifest:
    if upload.kind != "manifest":
        return Manifest(
            data=manifest.Data(train=posixpath.basename(source.key)), again=_says_again(s3, source)
        )
    name = posixpath.basename(source.key)
    try:
        answer = s3.get_object(Bucket=source.bucket, Key=source.key, **_data_files.version(source))
    except ClientError as error:
        raise _data_files.refusal(error, name, source) from error
    document = manifest.read(answer["Body"].read(manifest.MAX_BYTES + 1), name)
    again = document.again or intake.AGAIN in answer.get("Metadata", {})
    return msgspec.structs.replace(document, again=again)


def _says_again(s3: Any, source: S3Object) -> bool:
    """Whether a dropped dataset is to be trained again; False if its metadata cannot be read."""
    try:
        head = s3.head_object(Bucket=source.bucket, Key=source.key, **_data_files.version(source))
    except ClientError as error:
        if aws.is_transient(error):
            raise
        return False
    return intake.AGAIN in head.get("Metadata", {})


def _with_retuning(s3: Any, run: Run, document: Manifest) -> Run:
    """The run with the current size of its data, if it is to be retuned when the data has grown."""
    if document.retune is None:
        return run
    heads = (_data_files.head(s3, "data", one) for one in retuning.data_files(run))
    settings = retuning.settings_of(document, run.source, sum(head["ContentLength"] for head in heads))
    again = msgspec.structs.replace(run, retune=settings)
    return msgspec.structs.replace(again, run_id=naming.run_id(run.name, identity(again)))

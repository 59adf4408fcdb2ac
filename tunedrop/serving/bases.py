"""Base models that Bedrock does not offer on demand: imported once per stage, for the comparison.

All runs of the stage share the copy, and the sweep deletes it once no run has needed it for a while
(`base_model_idle_seconds`). No lock is needed: names of import jobs are unique, so that two runs that start
the same import find the same job. A job that has failed, or whose model is gone, is followed by the next.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tunedrop import clock, naming
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import DeploymentSettings, ImportedBase
from tunedrop.errors import ThroughputFailed
from tunedrop.serving import throughput
from tunedrop.serving.kind import Wanted
from tunedrop.serving.kinds.imported import MODEL
from tunedrop.stage import Stage
from tunedrop.training import engines

PATIENCE_SECONDS = 6 * 3600.0
"""How long to wait for an import of the base model; AWS does not document how long one takes."""

_TRIES = 5
"""The maximum of names to try if the list of jobs is not up to date."""


class Import(NamedTuple):
    """The latest import of a base model: its number (0 if there is none), and its result."""

    number: int
    base: ImportedBase | None


def is_needed(base_model: BaseModel) -> bool:
    """Whether the base model must be imported to be used."""
    return not base_model.inference_id


def weights(aws_: Aws, stage: Stage, base_model: BaseModel) -> str:
    """The location of the base model's files (`s3://…/`): those that the owner has put into the artifacts
    bucket, else those that the training service offers; empty if there are none.

    Raises
    ------
    ClientError
        If S3 or the service refuses the call.
    """
    own = naming.base_prefix(base_model.short_name)
    bucket = stage.artifacts_bucket
    found = aws_.s3.list_objects_v2(Bucket=bucket, Prefix=f"{own}config.json", MaxKeys=1)
    if found.get("KeyCount"):
        return naming.uri(bucket, own)
    return engines.of(base_model).base_weights(aws_, base_model)


def no_weights(stage: Stage, base_model: BaseModel) -> str:
    """Why the base model cannot be imported, and what to do."""
    where = naming.uri(stage.artifacts_bucket, naming.base_prefix(base_model.short_name))
    return (
        f"no service offers the files of {base_model.name} for an import"
        + (f", since it is under {base_model.license}" if base_model.license else "")
        + f": copy its Hugging Face folder to {where} (aws s3 cp --recursive)"
    )


def latest(bedrock: Any, stage: Stage, base_model: BaseModel) -> Import:
    """The latest import of a stage's base model, and its model unless the job failed or the model is gone.

    Raises
    ------
    ClientError
        If Bedrock refuses the call.
    """
    prefix = naming.base_imports(stage.name, base_model.short_name)
    pages = bedrock.get_paginator("list_model_import_jobs").paginate(nameContains=prefix)
    jobs = {
        int(match[1]): str(job["jobArn"])
        for page in pages
        for job in page["modelImportJobSummaries"]
        if (match := re.fullmatch(rf"{re.escape(prefix)}(\d+)", job["jobName"]))
    }
    if not jobs:
        return Import(0, None)
    number = max(jobs)
    return Import(number, _usable(bedrock, jobs[number]))


def ensure(aws_: Aws, stage: Stage, base_model: BaseModel) -> ImportedBase:
    """Start to import the base model, or find the stage's copy and renew its expiry.

    If that is not possible, the result says why, and the run ends without a comparison.

    Raises
    ------
    TransientError
        If a later try may succeed.
    """
    number, found = latest(aws_.bedrock, stage, base_model)
    if found is not None:
        _renew(aws_.bedrock, stage, found)
        return found
    source = weights(aws_, stage, base_model)
    if not source:
        return ImportedBase(failure=no_weights(stage, base_model))
    for next_number in range(number + 1, number + 1 + _TRIES):
        wanted = _wanted(stage, base_model, next_number, source)
        try:
            arn = throughput.begin(aws_.bedrock, "imported", wanted)
        except ThroughputFailed as error:
            return ImportedBase(failure=str(error))
        if (begun := _usable(aws_.bedrock, arn)) is not None:
            return begun
    return ImportedBase(failure=f"{_TRIES} imports of {base_model.name} have failed or are gone")


def outcome(bedrock: Any, base: ImportedBase, since: str) -> ImportedBase | None:
    """The result of the import; None while it is running.

    Parameters
    ----------
    since
        When the run began to wait.

    Raises
    ------
    ClientError
        If Bedrock refuses the call.
    """
    if base.failure:
        return base
    found = throughput.describe_or_none(bedrock, base.arn)
    if found is None:
        return ImportedBase(failure=f"{base.arn} was deleted while the run needed it")
    if found.status == "Failed":
        return ImportedBase(failure=f"Bedrock could not import it: {found.message}")
    if found.status != "Creating":
        return ImportedBase(arn=found.arn, units=found.units)
    if clock.seconds_between(since, clock.now()) > PATIENCE_SECONDS:
        waited = clock.about(PATIENCE_SECONDS)
        return ImportedBase(failure=f"its import {base.arn} had not ended after {waited}")
    return None


def _usable(bedrock: Any, arn: str) -> ImportedBase | None:
    """A running import, or its model; None if it has failed or the model is gone."""
    found = throughput.describe_or_none(bedrock, arn)
    if found is None or found.status == "Failed":
        return None
    return ImportedBase(arn=found.arn, units=found.units)


def _wanted(stage: Stage, base_model: BaseModel, number: int, source: str) -> Wanted:
    tags = {
        naming.STAGE_TAG: stage.name,
        naming.BASE_TAG: base_model.id,
        naming.EXPIRES_TAG: _expiry(stage),
    }
    return Wanted(
        stage=stage,
        name=naming.base_import(stage.name, base_model.short_name, number),
        model_arn="",
        settings=DeploymentSettings(),
        tags=[{"key": key, "value": value} for key, value in tags.items()],
        weights=source,
    )


def _renew(bedrock: Any, stage: Stage, base: ImportedBase) -> None:
    """Restart the idle time of the copy; that of a running import has just started."""
    if MODEL not in base.arn:
        return
    tags = [{"key": naming.EXPIRES_TAG, "value": _expiry(stage)}]
    bedrock.tag_resource(resourceARN=base.arn, tags=tags)


def _expiry(stage: Stage) -> str:
    return clock.after(clock.now(), stage.base_model_idle_seconds)

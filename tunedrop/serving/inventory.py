"""Lists the AWS resources of a stage: everything with its tag, whatever its name.

None of Bedrock's list operations filters by tag (botocore's service model, 2023-04-20, read 2026-11-29), so
each listed resource is asked for its tags. Jobs are listed only while they run: one that has ended bills
nothing, and customization jobs cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, clock, naming
from tunedrop.aws import Aws
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import LeftoverKind

Kind = Literal[
    "customization job", "evaluation job", "training job", "training file", "import job", "deployment",
    "throughput", "imported model", "custom model", "trained model",
]  # fmt: skip

RUNNING = ("InProgress", "Stopping")
"""The statuses in which a job is billed, or may still create a model."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of the stage. `facts` is Bedrock's summary of it, as the list gave it.

    `base_model` is the id of the base model that it is a copy of; a copy belongs to the stage, not to a run.
    """

    kind: Kind
    arn: str
    name: str
    status: str
    run_id: str
    created_at: str
    model_arn: str = ""
    expires_at: str = ""
    kept_until_expiry: bool = False
    base_model: str = ""
    facts: dict[str, Any] = {}


class _List(NamedTuple):
    """One list operation of Bedrock, and the members of its response."""

    operation: str
    items: str
    arn: str
    name: str
    created: str
    statuses: tuple[str, ...] = ()


_LISTS: dict[Kind, _List] = {
    "customization job": _List(
        "list_model_customization_jobs", "modelCustomizationJobSummaries", "jobArn", "jobName",
        "creationTime", RUNNING,
    ),
    "evaluation job": _List(
        "list_evaluation_jobs", "jobSummaries", "jobArn", "jobName", "creationTime", RUNNING
    ),
    "import job": _List(
        "list_model_import_jobs", "modelImportJobSummaries", "jobArn", "jobName", "creationTime",
        ("InProgress",),
    ),
    "deployment": _List(
        "list_custom_model_deployments", "modelDeploymentSummaries", "customModelDeploymentArn",
        "customModelDeploymentName", "createdAt",
    ),
    "throughput": _List(
        "list_provisioned_model_throughputs", "provisionedModelSummaries", "provisionedModelArn",
        "provisionedModelName", "creationTime",
    ),
    "imported model": _List(
        "list_imported_models", "modelSummaries", "modelArn", "modelName", "creationTime"
    ),
    "custom model": _List("list_custom_models", "modelSummaries", "modelArn", "modelName", "creationTime"),
}  # fmt: skip
"""In the order of deletion: jobs, serving resources, models."""

JOBS: tuple[Kind, ...] = (
    "customization job",
    "evaluation job",
    "training job",
    "training file",
    "import job",
)
SERVING: tuple[Kind, ...] = ("deployment", "throughput", "imported model")
MODELS: tuple[Kind, ...] = ("custom model", "trained model")
ALL: tuple[Kind, ...] = (*JOBS, *SERVING, *MODELS)
OF_ENGINES: tuple[LeftoverKind, ...] = ("training job", "training file", "trained model")
OF_IMPORTS: tuple[Kind, ...] = ("import job", "imported model")
"""The lists of stages that import models."""


Skipped = Callable[[str, ClientError | BotoCoreError], None]


def resources(
    aws_: Aws,
    stage: Stage,
    kinds: tuple[Kind, ...] = ALL,
    skipped: Skipped | None = None,
    *,
    ended_evaluations: bool = False,
    of: Collection[str] | None = None,
) -> Iterator[Resource]:
    """The stage's resources of these kinds, from fresh list calls.

    Parameters
    ----------
    skipped
        Called with each resource whose tags, or engine whose lists cannot be read, and the error; the others
        are still returned.
    ended_evaluations
        Whether to include ended evaluation jobs, which are free and can be deleted.
    of
        The engines, by name; default: those of the stage's settings.

    Raises
    ------
    ClientError
        If a list cannot be read or, without `skipped`, tags; it is then unknown what exists.
    """
    asked = stage.engines if of is None else of
    imports = bool(stage.import_role_arn) or not set(asked) <= set(stage.engines)
    of_engines = [kind for kind in OF_ENGINES if kind in kinds]
    for kind in kinds:
        if kind in of_engines:
            continue
        if kind in OF_IMPORTS and not imports:
            continue
        listed = _LISTS[kind]
        if ended_evaluations and kind == "evaluation job":
            listed = listed._replace(statuses=())
        for item in _items(aws_.bedrock, listed):
            arn = item[listed.arn]
            try:
                tags = _tags(aws_.bedrock, arn)
            except ClientError as error:
                if skipped is None:
                    raise
                skipped(arn, error)
                continue
            if tags is not None and tags.get(naming.STAGE_TAG) == stage.name:
                yield _resource(kind, item, tags)
    if of_engines:
        yield from _of_engines(aws_, stage, asked, of_engines, skipped)


def _of_engines(
    aws_: Aws, stage: Stage, asked: Collection[str], wanted: Sequence[LeftoverKind], skipped: Skipped | None
) -> Iterator[Resource]:
    """If an engine does not respond, the others' resources are still listed."""
    for name in asked:
        try:
            found = list(engines.named(name).leftovers(aws_, stage, wanted))
        except (ClientError, BotoCoreError) as error:
            if skipped is None:
                raise
            skipped(f"what the engine {name} holds", error)
            continue
        for one in found:
            yield Resource(
                kind=one.kind,
                arn=one.arn,
                name=one.name,
                status=one.status,
                run_id=one.run_id,
                created_at=one.created_at,
            )


def of_run(
    aws_: Aws,
    stage: Stage,
    run_id: str,
    kinds: tuple[Kind, ...] = ALL,
    skipped: Skipped | None = None,
    *,
    of: Collection[str] | None = None,
) -> Iterator[Resource]:
    """The same for one run."""
    return (one for one in resources(aws_, stage, kinds, skipped, of=of) if one.run_id == run_id)


def _items(bedrock: Any, of: _List) -> Iterator[Mapping[str, Any]]:
    pages = bedrock.get_paginator(of.operation)
    for filters in [{"statusEquals": status} for status in of.statuses] or [{}]:
        for page in pages.paginate(**filters):
            yield from page.get(of.items, ())


def _tags(bedrock: Any, arn: str) -> dict[str, str] | None:
    """A resource's tags; None if it was deleted since it was listed."""
    try:
        answer = bedrock.list_tags_for_resource(resourceARN=arn)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise
    return {tag["key"]: tag["value"] for tag in answer.get("tags", ())}


def _resource(kind: Kind, item: Mapping[str, Any], tags: Mapping[str, str]) -> Resource:
    of = _LISTS[kind]
    return Resource(
        kind=kind,
        arn=item[of.arn],
        name=item[of.name],
        status=item.get("status") or item.get("modelStatus") or "Active",
        run_id=tags.get(naming.RUN_TAG, ""),
        created_at=clock.write(item[of.created]),
        model_arn=_model_of(kind, item, tags),
        expires_at=tags.get(naming.EXPIRES_TAG, ""),
        kept_until_expiry=naming.KEEP_TAG in tags,
        base_model=tags.get(naming.BASE_TAG, ""),
        facts=dict(item),
    )


def _model_of(kind: Kind, item: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """The model that a resource serves; an imported model has it in a tag."""
    if kind == "imported model":
        return tags.get(naming.MODEL_TAG, "")
    return str(item["modelArn"]) if kind in SERVING else ""

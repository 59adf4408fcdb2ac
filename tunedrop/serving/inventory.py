"""What a stage has in Bedrock now: everything that carries its tag, whatever its name.

None of Bedrock's list operations filters by tag (botocore's service model, 2023-04-20, read 2026-11-29), so
each listed resource is asked for its tags. Jobs are listed only while they run: one that has ended bills
nothing, and customization jobs cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, clock, naming

Kind = Literal["customization job", "evaluation job", "deployment", "throughput", "custom model"]

RUNNING = ("InProgress", "Stopping")
"""The statuses in which a job costs something, or may still make a model."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of the stage. `facts` is Bedrock's summary of it, as the list gave it."""

    kind: Kind
    arn: str
    name: str
    status: str
    run_id: str
    created_at: str
    model_arn: str = ""
    expires_at: str = ""
    kept_until_expiry: bool = False
    facts: dict[str, Any] = {}


class _List(NamedTuple):
    """One list operation of Bedrock: where its answer holds what."""

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
    "deployment": _List(
        "list_custom_model_deployments", "modelDeploymentSummaries", "customModelDeploymentArn",
        "customModelDeploymentName", "createdAt",
    ),
    "throughput": _List(
        "list_provisioned_model_throughputs", "provisionedModelSummaries", "provisionedModelArn",
        "provisionedModelName", "creationTime",
    ),
    "custom model": _List("list_custom_models", "modelSummaries", "modelArn", "modelName", "creationTime"),
}  # fmt: skip
"""In the order in which resources have to go: what makes models, what serves them, the models."""

JOBS: tuple[Kind, ...] = ("customization job", "evaluation job")
SERVING: tuple[Kind, ...] = ("deployment", "throughput")
ALL: tuple[Kind, ...] = tuple(_LISTS)


Skipped = Callable[[str, ClientError], None]


def resources(
    bedrock: Any,
    stage: str,
    kinds: tuple[Kind, ...] = ALL,
    skipped: Skipped | None = None,
    *,
    ended_evaluations: bool = False,
) -> Iterator[Resource]:
    """The stage's resources of these kinds, from fresh list calls.

    Parameters
    ----------
    skipped
        Told of a resource whose tags could not be read, and why; the others follow.
    ended_evaluations
        Whether evaluation jobs that have ended are listed too: they bill nothing, and can be deleted.

    Raises
    ------
    ClientError
        When Bedrock does not answer a list; without `skipped`, also when it does not answer for tags. What
        there is is not known then.
    """
    for kind in kinds:
        of = _LISTS[kind]
        if ended_evaluations and kind == "evaluation job":
            of = of._replace(statuses=())
        for item in _items(bedrock, of):
            arn = item[of.arn]
            try:
                tags = _tags(bedrock, arn)
            except ClientError as error:
                if skipped is None:
                    raise
                skipped(arn, error)
                continue
            if tags is not None and tags.get(naming.STAGE_TAG) == stage:
                yield _resource(kind, item, tags)


def of_run(bedrock: Any, stage: str, run_id: str, kinds: tuple[Kind, ...] = ALL) -> Iterator[Resource]:
    """The same, of one run."""
    return (one for one in resources(bedrock, stage, kinds) if one.run_id == run_id)


def _items(bedrock: Any, of: _List) -> Iterator[Mapping[str, Any]]:
    pages = bedrock.get_paginator(of.operation)
    for filters in [{"statusEquals": status} for status in of.statuses] or [{}]:
        for page in pages.paginate(**filters):
            yield from page.get(of.items, ())


def _tags(bedrock: Any, arn: str) -> dict[str, str] | None:
    """A resource's tags; None when it has gone since it was listed."""
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
        model_arn=item["modelArn"] if kind in ("deployment", "throughput") else "",
        expires_at=tags.get(naming.EXPIRES_TAG, ""),
        kept_until_expiry=naming.KEEP_TAG in tags,
        facts=dict(item),
    )

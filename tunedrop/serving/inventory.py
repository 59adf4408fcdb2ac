"""Lists the AWS resources of a stage: everything with its tag, whatever its name.

None of Bedrock's list operations filters by tag (botocore's service model, 2023-04-20, read 2026-11-29), so
each listed resource is asked for its tags. Jobs are listed only while they run: one that has ended bills
nothing, and customization jobs cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, clock, naming
from tunedrop.aws import Aws
from tunedrop.serving import kinds
from tunedrop.serving.kind import Listing, ServingKind
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import LeftoverKind

RUNNING = ("InProgress", "Stopping")
"""The statuses in which a job is billed, or may still create a model."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of the stage. `facts` is Bedrock's summary of it, as the list gave it.

    `base_model` is the id of the base model that it is a copy of; a copy belongs to the stage, not to a run.
    """

    kind: str
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


_JOBS = (
    Listing(
        "customization job", "list_model_customization_jobs", "modelCustomizationJobSummaries", "jobArn",
        "jobName", "creationTime", statuses=RUNNING, is_job=True,
    ),
    Listing(
        "evaluation job", "list_evaluation_jobs", "jobSummaries", "jobArn", "jobName", "creationTime",
        statuses=RUNNING, is_job=True,
    ),
)  # fmt: skip
_CUSTOM_MODELS = Listing(
    "custom model", "list_custom_models", "modelSummaries", "modelArn", "modelName", "creationTime",
    filters={"isOwned": True},  # those of other accounts have tags that this one may not read
)  # fmt: skip
MODELS = (_CUSTOM_MODELS.kind, "trained model")
OF_ENGINES: tuple[LeftoverKind, ...] = ("training job", "training file", "trained model")


def jobs() -> tuple[str, ...]:
    """The kinds of jobs, and of the files that they read."""
    own = (one.kind for one in _JOBS)
    return (
        *own,
        "training job",
        "training file",
        *(one.kind for one in _of_serving(kinds.every()) if one.is_job),
    )


def serving() -> tuple[str, ...]:
    """The kinds of serving resources."""
    return tuple(one.kind for one in _of_serving(kinds.every()) if not one.is_job)


def _of_serving(of: Iterable[ServingKind]) -> list[Listing]:
    """The lists of these kinds of serving."""
    return [listing for kind in of for listing in kind.listings]


def _listings(engine_names: Collection[str]) -> Iterator[Listing]:
    """In the order of deletion: jobs, serving resources, models. A stage's functions may list nothing else
    than what its engines need."""
    theirs = _of_serving(kinds.used_by(engine_names))
    yield from (*_JOBS, *(one for one in theirs if one.is_job))
    yield from (one for one in theirs if not one.is_job)
    yield _CUSTOM_MODELS


Skipped = Callable[[str, ClientError | BotoCoreError], None]
SKIPPED = LIST, TAGS, ENGINE = ("the list of each ", "tags of ", "the resources of the engine ")
"""How the descriptions begin of what cannot be read."""


def resources(
    aws_: Aws,
    stage: Stage,
    wanted: Collection[str] | None = None,
    skipped: Skipped | None = None,
    *,
    ended_evaluations: bool = False,
    of: Collection[str] | None = None,
) -> Iterator[Resource]:
    """The stage's resources of these kinds, from fresh list calls.

    Parameters
    ----------
    wanted
        The kinds of resources; None: all.
    skipped
        Called with what cannot be read, such as a list or the tags of a resource, and the error; the others
        are still returned.
    ended_evaluations
        Whether to include ended evaluation jobs, which are free and can be deleted.
    of
        The engines, by name; default: those of the stage's settings.

    Raises
    ------
    ClientError
        Without `skipped`, if a list or tags cannot be read; it is then unknown what exists.
    """
    asked = stage.engines if of is None else of
    for listed in _listings(asked):
        if wanted is not None and listed.kind not in wanted:
            continue
        if ended_evaluations and listed.kind == "evaluation job":
            listed = listed._replace(statuses=())
        for item in _items(listed, aws_, skipped):
            arn = item[listed.arn]
            try:
                tags = _tags(aws_.bedrock, arn)
            except ClientError as error:
                if skipped is None:
                    raise
                skipped(f"{TAGS}{arn}", error)
                continue
            if tags is not None and tags.get(naming.STAGE_TAG) == stage.name:
                yield _resource(listed, item, tags)
    of_engines = [kind for kind in OF_ENGINES if wanted is None or kind in wanted]
    if of_engines:
        yield from _of_engines(aws_, stage, asked, of_engines, skipped)


def _items(listed: Listing, aws_: Aws, skipped: Skipped | None) -> Iterator[Any]:
    """If a list is refused, the others are still read."""
    try:
        yield from listed.read(aws_.bedrock)
    except (ClientError, BotoCoreError) as error:
        if skipped is None:
            raise
        skipped(f"{LIST}{listed.kind}", error)


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
            skipped(f"{ENGINE}{name}", error)
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
    wanted: Collection[str] | None = None,
    skipped: Skipped | None = None,
    *,
    of: Collection[str] | None = None,
) -> Iterator[Resource]:
    """The same for one run."""
    return (one for one in resources(aws_, stage, wanted, skipped, of=of) if one.run_id == run_id)


def _tags(bedrock: Any, arn: str) -> dict[str, str] | None:
    """A resource's tags; None if it was deleted since it was listed."""
    try:
        answer = bedrock.list_tags_for_resource(resourceARN=arn)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise
    return {tag["key"]: tag["value"] for tag in answer.get("tags", ())}


def _resource(of: Listing, item: Mapping[str, Any], tags: Mapping[str, str]) -> Resource:
    return Resource(
        kind=of.kind,
        arn=item[of.arn],
        name=item[of.name],
        status=item.get("status") or item.get("modelStatus") or "Active",
        run_id=tags.get(naming.RUN_TAG, ""),
        created_at=clock.write(item[of.created]),
        model_arn=str(item[of.model_arn]) if of.model_arn else tags.get(naming.MODEL_TAG, ""),
        expires_at=tags.get(naming.EXPIRES_TAG, ""),
        kept_until_expiry=naming.KEEP_TAG in tags,
        base_model=tags.get(naming.BASE_TAG, ""),
        facts=dict(item),
    )

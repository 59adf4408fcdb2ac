"""Runs of engines that the stage's settings no longer list: the stage's functions may not use them any more.

What serves their models is swept as ever. Only a person can stop their jobs and delete their models, so that
the sweep reports these.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop import catalog
from tunedrop.contracts import CompletedJob, Released, Serving, StartedJob
from tunedrop.formatting.commands import command
from tunedrop.registry import Record
from tunedrop.stage import Stage
from tunedrop.training import engines


class EngineRemoved(Exception):
    """A run has resources of an engine that the stage may not use; the message says how to delete them."""


def removed(stage: Stage, base_model: str) -> str:
    """The engine of a run's base model, if the settings do not list it; else empty."""
    known = engines.names_of([base_model])
    return next(iter(known), "") if not set(known) & set(stage.engines) else ""


def check(stage: Stage, record: Record) -> None:
    """Do nothing for a run of an engine in use, or with nothing left.

    Raises
    ------
    EngineRemoved
        If the run is of a removed engine and open, or has models that can be deleted and are not.
    """
    if not (name := removed(stage, record.run.base_model)):
        return
    left = not engines.named(name).undeletable and set(made_by(record)) - record.gone
    if not (record.is_open or left):
        return
    run_id = record.run.run_id
    teardown = command("teardown", run_id, options=f"--stage {stage.name}")
    raise EngineRemoved(
        f"{run_id} is a run of {catalog.engines()[name].title}, which the stage's setting engines no longer "
        "lists: its functions may neither stop its job nor delete its models, which are billed. "
        f'Add "{name}" again and deploy, or delete all that the run has: {teardown}'
    )


def made_by(record: Record) -> Iterator[str]:
    """The models of a run and their serving resources, according to the registry."""
    if (job := record.document("job", CompletedJob)) is not None:
        yield job.model_arn
    if (started := record.document("started", StartedJob)) is not None:
        yield from (one.job.model_arn for one in started.series if one.job is not None)
    if (serving := record.document("serving", Serving)) is not None:
        yield serving.arn
    if (released := record.document("released", Released)) is not None:
        yield from released.kept

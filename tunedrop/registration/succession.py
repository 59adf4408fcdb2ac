"""Retunes a production model on the successor of its base model once that is Legacy.

Off unless the stage's setting `succession` says so. The run has the manifest and data of the run whose model
is in production, and the catalog's successor as base model. It always waits for approval before it costs
anything, and its model is promoted only if it is better than the production model and its own base model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from tunedrop import catalog, intake
from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.tunable import obstacle
from tunedrop.contracts import Dataset, Method
from tunedrop.manifest import Manifest, Scalar
from tunedrop.planning.hyperparameters import bedrocks_name
from tunedrop.registration import missed_uploads
from tunedrop.registry import Record, Registry, lifecycle
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage

SUCCESSION = "succession"
"""The reason of an event that starts a run on the successor of its manifest's base model."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A name whose production model is due to be retuned on another base model."""

    record: Record
    successor: str


def on_successor(document: Manifest, base_model: str) -> tuple[Manifest, tuple[str, ...]]:
    """Move a manifest to the base model that succeeds its own.

    Parameters
    ----------
    base_model
        The successor, which the event of the run names.

    Returns
    -------
    The manifest with the successor, without `from` and without the hyperparameters that the successor does
    not accept; and the names of those hyperparameters.
    """
    successor = catalog.find(base_model)
    fits, left_out = _fitting(successor, document.method, document.hyperparameters)
    stages = []
    for one in document.stages:
        kept, more = _fitting(successor, one.method, one.hyperparameters)
        stages.append(msgspec.structs.replace(one, hyperparameters=kept))
        left_out += more
    document = msgspec.structs.replace(
        document, base_model=base_model, engine="", from_run=None, hyperparameters=fits, stages=tuple(stages)
    )
    return document, tuple(dict.fromkeys(left_out))


def _fitting(
    base_model: BaseModel, method: Method | Literal["auto"], asked: Mapping[str, Scalar]
) -> tuple[dict[str, Scalar], list[str]]:
    """The hyperparameters that a base model accepts, and the names of the others."""
    offered = base_model.hyperparameters_of(method)

    def is_taken(key: str, value: Scalar) -> bool:
        known = offered.get(key) or offered.get(bedrocks_name(key))
        return known is not None and not known.refusal(value)

    fits = {key: value for key, value in asked.items() if is_taken(key, value)}
    return fits, [key for key in asked if key not in fits]


def start_due(aws_: Aws, stage: Stage, registry: Registry, troubles: Troubles) -> list[str]:
    """Start due runs, once per production model; returns their names. Checks once a day."""
    today = datetime.now(UTC)
    if not stage.succession or not registry.claim("SUCCESSION", f"{today:%Y-%m-%d}"):
        return []

    def start(parameter: str) -> str:
        found = due(aws_, stage, registry, parameter, today)
        if found is None:
            return ""
        run = found.record.run
        what, which = f"SUCCESSION#{run.name}", f"{run.run_id}#{found.successor}"
        if registry.is_claimed(what, which):
            return ""
        identity = (run.run_id, found.successor)
        missed_uploads.start_once(
            aws_, stage.workflow_arn, run.source, today, SUCCESSION, identity, base_model=found.successor
        )
        registry.claim(what, which)
        return run.name

    aliases = Aliases(aws_.ssm, aws_.dynamodb, stage).all()
    started = troubles.each(aliases, lambda one: f"succession of the base of {one}", start, eager=True)
    return [name for _, name in started if name]


def due(aws_: Aws, stage: Stage, registry: Registry, parameter: str, today: datetime) -> Due | None:
    """The production model of an alias, if its base model is Legacy and has a successor in this Region.

    None if its upload would start a run of another name by now, because the stage has other tenants since.
    """
    ageing = lifecycle.ageing(aws_, stage, parameter, today)
    if ageing is None or not ageing.is_legacy:
        return None
    record = registry.get(ageing.model.run_id)
    if record is None or record.run.parent_model:  # it cannot be tuned further on another base model
        return None
    if intake.read_key(record.run.source.key, stage.tenants).name != record.run.name:
        return None
    named = catalog.find(ageing.base_model).lifecycle.successor
    offered = catalog.entries(catalog.find(named)) if named else []
    fitting = (one.id for one in offered if not any(_obstacles(stage, record, one)))
    successor = next(fitting, "")
    return Due(record=record, successor=successor) if successor else None


def _obstacles(stage: Stage, record: Record, successor: BaseModel) -> Iterator[str]:
    """Why a successor, trained by the engine of its entry, cannot be tuned here with the methods of a run;
    empty if it can."""
    dataset = record.document("dataset", Dataset)
    methods = [dataset.method if dataset is not None else record.run.method]
    for method in (*methods, *(one.method for one in record.run.earlier_stages)):
        if successor.engine_of(method) not in stage.engines:
            yield "engine"
        yield obstacle(successor, method=None if method == "auto" else method, region=stage.region)

"""Finds billed resources that nothing needs: after a crash, a lost event or an expiry.

The sweep relies on Bedrock's own lists and our tags, never on our own records.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator

import msgspec

from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import Released, Way
from tunedrop.registry import UNREADABLE, Registry
from tunedrop.registry.open_runs import OpenRuns
from tunedrop.registry.troubles import Troubles
from tunedrop.serving import inventory, kinds, throughput
from tunedrop.serving.production import Production
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.stage import Stage

_log = logging.getLogger(__name__)


class InService(msgspec.Struct, frozen=True, kw_only=True):
    """Something of this stage that serves a model now, or is about to.

    `hourly_usd` is its cost per idle hour, in US dollars; None if the catalog has no price.
    `committed_until`: it was bought for a term; until then it is billed, and Bedrock does not delete it.
    `kept_until_expiry`: a person brought it into service, and will soon let an alias name it. `base_model`:
    a copy of this base model, which belongs to the stage.
    """

    arn: str
    name: str
    way: Way
    status: str
    model_arn: str
    created_at: str
    run_id: str = ""
    expires_at: str = ""
    committed_until: str = ""
    kept_until_expiry: bool = False
    base_model: str = ""
    model_units: int = 0
    hourly_usd: float | None = 0.0

    @property
    def bills_while_idle(self) -> bool:
        """Whether it is billed by the hour, with or without requests."""
        return not kinds.of(self.way).is_free_while_idle

    @property
    def ends_at(self) -> str:
        """When the sweep releases it, if it is billed by the hour; empty if it has no expiry."""
        return max(self.expires_at, self.committed_until) if self.expires_at else ""

    @property
    def is_late(self) -> bool:
        """Whether it has outlived its expiry."""
        return bool(self.ends_at) and clock.now() >= self.ends_at


def in_service(
    aws_: Aws, stage: Stage, skipped: inventory.Skipped | None = None, *, removed: Collection[str] = ()
) -> Iterator[InService]:
    """All serving resources with this stage's tag.

    Parameters
    ----------
    skipped
        Called with what cannot be read, and the error; without it the error is raised.
    removed
        Engines that the stage's settings no longer list: their serving resources, and the copies of their
        base models, exist until they are deleted.
    """
    of = (*stage.engines, *removed)
    for one in inventory.resources(aws_, stage, inventory.serving(), skipped, of=of):
        way = throughput.way_of(one.arn)
        yield InService(
            arn=one.arn,
            name=one.name,
            way=way,
            status=one.status,
            model_arn=one.model_arn,
            created_at=one.created_at,
            run_id=one.run_id,
            expires_at=one.expires_at,
            committed_until=kinds.of(way).committed_until(one.facts),
            kept_until_expiry=one.kept_until_expiry,
            base_model=one.base_model,
            model_units=int(one.facts.get("modelUnits", 0)),
            hourly_usd=kinds.of(way).listed_hourly_usd(one.model_arn, one.facts),
        )


class Sweeper:
    """Releases resources that no active run owns and no alias names, or that have expired."""

    def __init__(self, aws_: Aws, stage: Stage, troubles: Troubles, *, removed: Collection[str] = ()) -> None:
        self._aws = aws_
        self._stage = stage
        self._removed = removed
        self._troubles = troubles
        self._registry = Registry(aws_.dynamodb, stage.registry_table)
        self._production = Production(aws_, stage)
        self._removal = Removal(aws_, stage)
        self.found: tuple[InService, ...] = ()
        """The serving resources when the sweep began."""

    def sweep(self) -> tuple[Released, int]:
        """Release what is not needed. Returns what was done, and the number of expired throughputs."""
        named = set(self._production.aliases.all().values())
        self.found = found = tuple(
            in_service(self._aws, self._stage, self._troubles.note, removed=self._removed)
        )
        done = dict(
            self._troubles.each(
                found, lambda one: f"release of {one.arn}", lambda one: self._release(one, named)
            )
        )
        failed = [trouble for trouble in self._troubles.failed if trouble.subject.startswith("release of ")]
        return (
            Released(
                released=tuple(one.arn for one, gone in done.items() if gone),
                kept=tuple(one.arn for one, gone in done.items() if not gone),
                failed=tuple(f"{one.subject.removeprefix('release of ')}: {one.error}" for one in failed),
            ),
            sum(one.bills_while_idle and one.is_late for one in found),
        )

    def _release(self, found: InService, named: set[str]) -> bool:
        if self._is_needed(found, named):
            return False
        if found.bills_while_idle and found.is_late:
            self._production.stand_down(found.arn, self._registry.name_of(found.run_id))
        try:
            self._removal.remove(found.arn, found.run_id)
        except NamedInProduction:
            return False
        return True

    def _is_needed(self, found: InService, named: set[str]) -> bool:
        late = found.is_late
        if clock.now() < found.committed_until:
            return True  # Bedrock bills it until then, and deletes it only then
        if found.bills_while_idle and late:
            return False
        if found.arn in named or (found.kept_until_expiry and not late):
            return True
        if found.base_model:
            return not late or self._compares_with(found.base_model)
        try:
            record = self._registry.get(found.run_id)
            released = record.document("released", Released) if record is not None else None
        except UNREADABLE:
            _log.exception("the row of %s, which has made %s, cannot be read", found.run_id, found.arn)
            return self._registry.is_open(found.run_id) or (bool(found.expires_at) and not late)
        if record is None:
            return False
        asked_to_stay = bool(record.run.deployment.keep_for_seconds) and not late
        return record.is_open or (asked_to_stay and released is not None and found.arn in released.kept)

    def _compares_with(self, base_model: str) -> bool:
        """Whether an active run is, or will be, compared with a base model; read now, to include runs that
        have just begun."""
        opened = OpenRuns(self._aws.dynamodb, self._stage, self._registry).records()
        return any(one.run.base_model == base_model for one in opened)

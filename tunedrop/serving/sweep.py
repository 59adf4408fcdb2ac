"""Finding what bills and nobody needs: after a crash, a deleted execution, a lost event, an expiry.

The sweep goes by Bedrock's own lists and our tags, never by what we believe to have started.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import Released, Way
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import choose, inventory, throughput
from tunedrop.stage import Stage


class InService(msgspec.Struct, frozen=True, kw_only=True):
    """Something of this stage that serves a model now, or is about to.

    `hourly_usd` is what it bills while nobody asks; None where the catalog knows no price.
    """

    arn: str
    name: str
    way: Way
    status: str
    model_arn: str
    created_at: str
    run_id: str = ""
    expires_at: str = ""
    model_units: int = 0
    hourly_usd: float | None = 0.0


def in_service(bedrock: Any, stage: Stage) -> Iterator[InService]:
    """All deployments and provisioned throughput that carry this stage's tag."""
    for one in inventory.resources(bedrock, stage.name, inventory.SERVING):
        units = int(one.facts.get("modelUnits", 0))
        commitment = throughput.commitment_of(one.facts.get("commitmentDuration", ""))
        provisioned = one.kind == "throughput"
        yield InService(
            arn=one.arn,
            name=one.name,
            way="provisioned" if provisioned else "on-demand",
            status=one.status,
            model_arn=one.model_arn,
            created_at=one.created_at,
            run_id=one.run_id,
            expires_at=one.expires_at,
            model_units=units,
            hourly_usd=choose.rate_of(one.model_arn, units, commitment) if provisioned else 0.0,
        )


class Sweeper:
    """Releases what no live run owns, what has outlived its expiry, and what no alias names."""

    def __init__(self, aws_: Aws, stage: Stage) -> None:
        self._aws = aws_
        self._stage = stage
        self._registry = Registry(aws_.dynamodb, stage.registry_table)
        self._aliases = Aliases(aws_.ssm, aws_.dynamodb, stage)

    def sweep(self) -> tuple[Released, int]:
        """Release what may go. Gives what was done, and how many had outlived their expiry."""
        production = set(self._aliases.all().values())
        released, kept, failed, expired = [], [], [], 0
        for found in in_service(self._aws.bedrock, self._stage):
            late = bool(found.expires_at) and clock.now() >= found.expires_at
            expired += late and found.way == "provisioned"
            if self._is_needed(found, late, production):
                kept.append(found.arn)
                continue
            try:
                throughput.release(self._aws.bedrock, found.arn)
                released.append(found.arn)
            except (ThroughputFailed, TransientError) as error:
                failed.append(f"{found.arn}: {error}")
        return Released(released=tuple(released), kept=tuple(kept), failed=tuple(failed)), expired

    def _is_needed(self, found: InService, late: bool, production: set[str]) -> bool:
        if found.arn in production and (found.way == "on-demand" or not late):
            return True
        if late:
            return False
        record = self._registry.get(found.run_id)
        if record is None:
            return False
        released = record.document("released", Released)
        asked_to_stay = bool(record.run.deployment.keep_for_seconds)
        return record.is_open or (asked_to_stay and released is not None and found.arn in released.kept)

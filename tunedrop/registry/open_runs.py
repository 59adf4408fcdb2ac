"""Limits the number of open runs of a tenant, or of a stage without tenants.

Anyone who may upload can start runs. Quotas and budgets limit training; this limits what happens before:
function calls for validation, and registry rows.

`pk` = `OPEN#<tenant>`, `sk` = `RUNS`: the set of run ids that hold a place. Places of ended runs are
reclaimed when one is needed, so that runs need not return them.
"""

from __future__ import annotations

from typing import Any

from tunedrop.errors import TransientError
from tunedrop.registry._records import Record
from tunedrop.registry._runs import Registry
from tunedrop.registry._table import Table
from tunedrop.stage import Stage

_TRIES = 5

LOOK_BACK = 1_000
"""Number of latest runs to search for runs that have no place: their execution died before it took one."""


class OpenRuns:
    """The places of a stage's open runs."""

    def __init__(self, dynamodb: Any, stage: Stage, registry: Registry) -> None:
        self._table = Table(dynamodb, stage.registry_table)
        self._tenants = tuple(stage.tenants)
        self._most = stage.max_open_runs
        self._registry = registry

    def take(self, tenant: str, run_id: str) -> bool:
        """Take a place for a run; False if open runs hold all of them. Idempotent.

        A conditional write, so that two runs cannot take the last place.

        Raises
        ------
        TransientError
            If other runs repeatedly take each freed place.
        """
        for _ in range(_TRIES):
            if self._add(tenant, run_id):
                return True
            ended = next((one for one in self._holders(tenant) if not self._registry.is_open(one)), None)
            if ended is None:
                return False
            self._remove(tenant, ended)
        raise TransientError("places of open runs were taken by other runs again and again")

    def records(self) -> list[Record]:
        """All open runs of the stage, newest first.

        A retried run keeps its place, so that an old run is found behind any number of newer ones.
        """
        latest = self._registry.latest_open(LOOK_BACK)
        holders = [run_id for tenant in ("", *self._tenants) for run_id in self._holders(tenant)]
        found = [one for one in self._registry.some(dict.fromkeys((*latest, *holders))) if one.is_open]
        return sorted(found, key=lambda one: one.run.created_at, reverse=True)

    def _add(self, tenant: str, run_id: str) -> bool:
        return self._table.change(
            *_key(tenant),
            "ADD holders :mine",
            {":mine": {run_id}, ":id": run_id, ":most": self._most},
            "attribute_not_exists(holders) OR contains(holders, :id) OR size(holders) < :most",
        )

    def _holders(self, tenant: str) -> list[str]:
        return sorted((self._table.get(*_key(tenant)) or {}).get("holders", ()))

    def _remove(self, tenant: str, ended: str) -> None:
        self._table.change(*_key(tenant), "DELETE holders :ended", {":ended": {ended}})


def _key(tenant: str) -> tuple[str, str]:
    return f"OPEN#{tenant}", "RUNS"

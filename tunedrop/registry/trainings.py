"""Prevents paying twice for training on the same records with the same settings.

In the registry table: `pk` = `TRAINING#<hash>`, `sk` = `RUN`, with the run that trains it. A repeated upload
is refused with the earlier run, unless it says `again`.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import msgspec

from tunedrop.contracts import Dataset, Run
from tunedrop.errors import AlreadyTrained, TransientError
from tunedrop.registry._records import UNREADABLE
from tunedrop.registry._runs import Registry
from tunedrop.registry._table import Table

_log = logging.getLogger(__name__)


def fingerprint(run: Run, dataset: Dataset) -> str:
    """Identical for the same name, records and settings, whatever the file names.

    Budgets do not count as settings, so that an unapproved run can be uploaded again with another budget.
    """
    settings = (
        run.name, dataset.content_hash, dataset.method, run.base_model, run.parent_model, run.hyperparameters,
        run.candidates, run.earlier_stages, run.teacher, run.grader, run.deployment, run.evaluation,
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(settings, order="sorted")).hexdigest()


class Trainings:
    """The trainings of a stage."""

    def __init__(self, dynamodb: Any, table: str, registry: Registry) -> None:
        self._table = Table(dynamodb, table)
        self._registry = registry

    def claim(self, run: Run, dataset: Dataset) -> None:
        """Claim the training of these records with these settings for this run.

        Raises
        ------
        AlreadyTrained
            If another run has trained them, or is about to, and `again` is not set.
        TransientError
            If another run is claiming them.
        """
        key = _key(run, dataset)
        before = self._claimed_by(key)
        if before == run.run_id:
            return
        self._refuse_trained(before, run)
        item = key | {"run_id": run.run_id}
        if before:
            is_mine = self._table.put_if(item, "run_id = :seen", {":seen": before})
        else:
            is_mine = self._table.put_new(item)
        if not is_mine:
            raise TransientError("another run claims the same training now")

    def refuse_repeated(self, run: Run, dataset: Dataset) -> None:
        """Say before an upload what `claim` would say after it.

        Raises
        ------
        AlreadyTrained
            As `claim`.
        """
        self._refuse_trained(self._claimed_by(_key(run, dataset)), run)

    def _claimed_by(self, key: dict[str, str]) -> str:
        return str((self._table.get(**key) or {}).get("run_id", ""))

    def _refuse_trained(self, before: str, run: Run) -> None:
        if before and not run.again and (what := self._has_trained(before)):
            raise AlreadyTrained(
                f"the run {before} {what} the same records with the same settings under this name. Nothing "
                f"was paid. See it: tunedrop show {before}. To train them once more, set again: "
                "true in the manifest, or upload with --again"
            )

    def _has_trained(self, run_id: str) -> str:
        """Whether a run is training or has trained what it claimed; empty if no model has resulted, or it was
        deleted, or the row cannot be read."""
        try:
            record = self._registry.get(run_id)
            if record is not None and record.is_open:
                return "is training"
            return "has trained" if record is not None and record.trained is not None else ""
        except UNREADABLE:
            _log.exception("the row of %s cannot be read: it counts as having trained nothing", run_id)
            return ""


def _key(run: Run, dataset: Dataset) -> dict[str, str]:
    return {"pk": f"TRAINING#{fingerprint(run, dataset)}", "sk": "RUN"}

"""Claims on models, serving resources and aliases, so that promotions and deletions exclude each other.

Both take seconds and run in several processes. A resource that an alias points to must never be deleted, a
deleted resource never promoted, and one process at a time promotes a model of a name. One item per ARN or
alias (`pk` = `ARN#<ARN or parameter>`) with conditional writes ensures this. The claim of a process that died
expires after `LEASE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tunedrop import clock
from tunedrop.errors import ModelDeleted, TransientError
from tunedrop.registry._table import Table

LEASE_SECONDS = 120
"""Twice the timeout of the functions that promote and release (`infra.functions`)."""


class Claims:
    """The claims in the registry table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._table = Table(dynamodb, table)

    @contextmanager
    def promoting(self, *arns: str) -> Iterator[None]:
        """Prevent the deletion of these within the block.

        Raises
        ------
        ModelDeleted
            If Tunedrop has deleted one of them.
        TransientError
            If one of them is being deleted.
        """
        for arn in dict.fromkeys(arns):
            if not self._claim(arn, "promoting_at", against="removing_at"):
                raise self._refusal(arn)
        yield
        # Not in a `finally`: a process that fails here may have written half; the lease protects the cleanup.
        for arn in dict.fromkeys(arns):
            self._change(arn, "REMOVE promoting_at")

    @contextmanager
    def alone(self, what: str, who: str) -> Iterator[None]:
        """Hold something for one process, or repeated tries of one, within the block.

        Raises
        ------
        TransientError
            If somebody else holds it.
        """
        now = clock.now()
        values = {":now": now, ":stale": clock.after(now, -LEASE_SECONDS), ":who": who}
        free = "attribute_not_exists(held_at) OR held_at < :stale OR holder = :who"
        if not self._change(what, "SET held_at = :now, holder = :who", values, free):
            raise TransientError(f"another model is just being promoted: {what}")
        try:
            yield
        finally:
            # Nothing, if the lease has expired and somebody else holds it.
            self._change(what, "REMOVE held_at, holder", {":who": who}, "holder = :who")

    def begin_removal(self, arn: str) -> bool:
        """Prevent its promotion. False while a promotion is in progress."""
        return self._claim(arn, "removing_at", against="promoting_at")

    def give_up_removal(self, arn: str) -> None:
        """Give up the deletion."""
        self._change(arn, "REMOVE removing_at")

    def end_removal(self, arn: str) -> None:
        """Record that it was deleted."""
        self._change(arn, "SET removed_at = :now", {":now": clock.now()})

    def _claim(self, arn: str, mine: str, *, against: str) -> bool:
        now = clock.now()
        free = f"(attribute_not_exists({against}) OR {against} < :stale)"
        gone = " AND attribute_not_exists(removed_at)" if mine == "promoting_at" else ""
        values = {":now": now, ":stale": clock.after(now, -LEASE_SECONDS)}
        return self._change(arn, f"SET {mine} = :now", values, free + gone)

    def _refusal(self, arn: str) -> Exception:
        if "removed_at" in (self._table.get(*_key(arn)) or {}):
            return ModelDeleted(f"{arn} was deleted; it cannot go into production any more")
        return TransientError(f"{arn} is being deleted")

    def _change(self, arn: str, expression: str, values: Mapping[str, str] = {}, condition: str = "") -> bool:
        return self._table.change(*_key(arn), expression, values, condition)


def _key(arn: str) -> tuple[str, str]:
    return f"ARN#{arn}", "CLAIM"

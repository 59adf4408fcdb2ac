"""Claims on models, serving resources and aliases, so that promotions and deletions exclude each other.

Both take seconds and run in several processes. A resource that an alias points to must never be deleted, a
deleted resource never promoted, and one process at a time promotes a model of a name. One item per ARN or
alias (`pk` = `ARN#<ARN or parameter>`) with conditional writes ensures this. The claim of a process that died
expires after `LEASE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import condition_failed
from tunedrop.errors import ModelDeleted, TransientError

LEASE_SECONDS = 120
"""Twice the timeout of the functions that promote and release (`infra.functions`)."""


class Claims:
    """The claims in the registry table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

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
            self._update(arn, "REMOVE promoting_at")

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
        try:
            self._update(
                what,
                "SET held_at = :now, holder = :who",
                values,
                condition="attribute_not_exists(held_at) OR held_at < :stale OR holder = :who",
            )
        except ClientError as error:
            if condition_failed(error):
                raise TransientError(f"another model is just being promoted: {what}") from error
            raise
        try:
            yield
        finally:
            self._let_go(what, who)

    def _let_go(self, what: str, who: str) -> None:
        """Unless the lease has expired meanwhile and somebody else holds it."""
        try:
            self._update(what, "REMOVE held_at, holder", {":who": who}, condition="holder = :who")
        except ClientError as error:
            if not condition_failed(error):
                raise

    def begin_removal(self, arn: str) -> bool:
        """Prevent its promotion. False while a promotion is in progress."""
        return self._claim(arn, "removing_at", against="promoting_at")

    def give_up_removal(self, arn: str) -> None:
        """Give up the deletion."""
        self._update(arn, "REMOVE removing_at")

    def end_removal(self, arn: str) -> None:
        """Record that it was deleted."""
        self._update(arn, "SET removed_at = :now", {":now": clock.now()})

    def _claim(self, arn: str, mine: str, *, against: str) -> bool:
        now = clock.now()
        free = f"(attribute_not_exists({against}) OR {against} < :stale)"
        gone = " AND attribute_not_exists(removed_at)" if mine == "promoting_at" else ""
        try:
            self._update(
                arn,
                f"SET {mine} = :now",
                {":now": now, ":stale": clock.after(now, -LEASE_SECONDS)},
                condition=free + gone,
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _refusal(self, arn: str) -> Exception:
        item = self._dynamodb.get_item(TableName=self._table, Key=_key(arn), ConsistentRead=True)
        if "removed_at" in item.get("Item", {}):
            return ModelDeleted(f"{arn} was deleted; it cannot go into production any more")
        return TransientError(f"{arn} is being deleted")

    def _update(
        self, arn: str, expression: str, values: dict[str, str] | None = None, condition: str = ""
    ) -> None:
        arguments: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if values:
            arguments["ExpressionAttributeValues"] = {name: {"S": value} for name, value in values.items()}
        self._dynamodb.update_item(
            TableName=self._table, Key=_key(arn), UpdateExpression=expression, **arguments
        )


def _key(arn: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"ARN#{arn}"}, "sk": {"S": "CLAIM"}}

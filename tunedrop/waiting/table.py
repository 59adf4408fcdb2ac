"""The waits table: who waits for what, in order of arrival.

A run that was let in and has not started its job yet holds a reservation (`kind` = `reservation`): its slot
looks free to Bedrock and is not.

Key `run_id`, `kind`. Index `by_kind` (`kind`, `arrived_at`) lists who waits; index `by_subject` (`subject`)
finds the wait that an event is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import code_of
from tunedrop.contracts import Wait, WaitKind

RESERVED_SECONDS = 900
"""How long a run that was let in may take to start its job, with all the retries of that step."""

GRANTING_SECONDS = 60
"""How long letting a run in may take; whoever has not come to it by then has died."""

REFUSAL_SECONDS = 86_400
"""How long Bedrock's refusal of a further job counts: a quota may be raised, which no event tells."""

_RESERVATION = "reservation"
_REFUSAL = "refusal"
"""The kind of the item that says how many jobs an engine takes; its `run_id` is the engine's name."""

DEPLOYMENTS = "deployments"
"""Stands for an engine's name, where it is Bedrock's deployments of which there are too many."""

QUEUES: frozenset[WaitKind] = frozenset({"slot", "deployment"})
"""Waits that end when it is the run's turn, and not when something has happened to the run."""


class Waits:
    """The waits table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self.unreadable: dict[str, Exception] = {}
        """The rows that were left out because they could not be read, and why; by run id."""

    def park(self, wait: Wait) -> Wait:
        """Keep a token. A run that comes back to the same queue keeps the place that it had.

        Returns the wait as it is kept.
        """
        earlier = self.get(wait.run_id, wait.kind)
        if earlier is not None and earlier.subject == wait.subject:
            wait = msgspec.structs.replace(wait, arrived_at=earlier.arrived_at, expires_at=earlier.expires_at)
        self._dynamodb.put_item(TableName=self._table, Item=_wire(wait))
        return wait

    def get(self, run_id: str, kind: WaitKind) -> Wait | None:
        answer = self._dynamodb.get_item(
            TableName=self._table, Key={"run_id": {"S": run_id}, "kind": {"S": kind}}, ConsistentRead=True
        )
        return _unwire(answer["Item"]) if "Item" in answer else None

    def of_run(self, run_id: str) -> list[Wait]:
        """Whatever a run waits for: one wait at most, but for a moment between two."""
        return list(self._query({"run_id": run_id}))

    def of_kind(self, kind: WaitKind) -> list[Wait]:
        """All waits of one kind, first come first."""
        return list(self._query({"kind": kind}, index="by_kind"))

    def about(self, subject: str) -> list[Wait]:
        """The waits for one job or one throughput."""
        return list(self._query({"subject": subject}, index="by_subject"))

    def remove(self, wait: Wait) -> None:
        """Forget a wait, unless a newer token has taken its place."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"run_id": {"S": wait.run_id}, "kind": {"S": wait.kind}},
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": {"S": wait.token}},
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise

    def reserve_slot(self, run_id: str) -> bool:
        """A slot is this run's, until it has started its job or `RESERVED_SECONDS` have passed.

        False when somebody else is just about to let the same run in.
        """
        now = clock.now()
        item = {"run_id": run_id, "kind": _RESERVATION, "arrived_at": now}
        item["expires_at"] = clock.after(now, RESERVED_SECONDS)
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={name: {"S": value} for name, value in item.items()},
                ConditionExpression="attribute_not_exists(run_id) OR arrived_at < :stale",
                ExpressionAttributeValues={":stale": {"S": clock.after(now, -GRANTING_SECONDS)}},
            )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def give_up_slot(self, run_id: str) -> None:
        """The run's job holds the slot itself now, or the run does not want it any more."""
        key = {"run_id": {"S": run_id}, "kind": {"S": _RESERVATION}}
        self._dynamodb.delete_item(TableName=self._table, Key=key)

    def note_refusal(self, busy: int, engine: str) -> None:
        """Record that an engine refused a further job while this many were running."""
        now = clock.now()
        item = {"run_id": engine, "kind": _REFUSAL, "arrived_at": now, "subject": str(busy)}
        item["expires_at"] = clock.after(now, REFUSAL_SECONDS)
        self._dynamodb.put_item(
            TableName=self._table, Item={name: {"S": value} for name, value in item.items()}
        )

    def most_jobs(self, setting: int, engine: str) -> int:
        """How many jobs an engine may run at once: the setting, or as few as ran when it last refused one."""
        refused_at = self.refused_at(engine)
        return setting if refused_at is None else min(setting, refused_at)

    def refused_at(self, engine: str) -> int | None:
        """How many there were when one more was refused; None where that is too long ago to count."""
        key = {"run_id": {"S": engine}, "kind": {"S": _REFUSAL}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        counts = item is not None and item["expires_at"]["S"] > clock.now()
        return int(item["subject"]["S"]) if counts else None

    def reserved_slots(self) -> list[str]:
        """The runs that were let in and have not started their job yet."""
        now = clock.now()
        return [
            item["run_id"]["S"]
            for item in self._items({"kind": _RESERVATION}, index="by_kind")
            if item.get("expires_at", {}).get("S", "") > now
        ]

    def _query(self, key: Mapping[str, str], index: str = "") -> Iterator[Wait]:
        for item in self._items(key, index):
            if item["kind"]["S"] == _RESERVATION:
                continue
            try:
                yield _unwire(item)
            except (msgspec.MsgspecError, KeyError) as error:
                self.unreadable[item["run_id"]["S"]] = error

    def _items(self, key: Mapping[str, str], index: str = "") -> Iterator[dict[str, Any]]:
        ((name, value),) = key.items()
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#key = :value",
            "ExpressionAttributeNames": {"#key": name},
            "ExpressionAttributeValues": {":value": {"S": value}},
        }
        if index:
            arguments["IndexName"] = index
        for page in self._dynamodb.get_paginator("query").paginate(**arguments):
            yield from page["Items"]


def _wire(wait: Wait) -> dict[str, Any]:
    return {name: {"S": value} for name, value in msgspec.structs.asdict(wait).items() if value}


def _unwire(item: Mapping[str, Any]) -> Wait:
    return msgspec.convert({name: value["S"] for name, value in item.items()}, Wait)

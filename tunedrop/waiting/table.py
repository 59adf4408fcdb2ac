"""The waits table: the condition that each run waits for, in order of arrival.

A run that was granted a slot but has not started its job holds a reservation (`kind` = `reservation`),
because Bedrock would count the slot as free.

Key `run_id`, `kind`. Index `by_kind` (`kind`, `arrived_at`) lists waits in order; index `by_subject`
(`subject`) finds the wait that an event concerns.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import condition_failed
from tunedrop.contracts import Wait, WaitKind

_log = logging.getLogger(__name__)

RESERVED_SECONDS = 900
"""How long a run with a granted slot may take to start its job, with all retries of that step."""

GRANTING_SECONDS = 60
"""How long granting a slot may take; a process that takes longer has failed."""

REFUSAL_SECONDS = 86_400
"""How long Bedrock's refusal of a job counts; a quota increase causes no event."""

_RESERVATION = "reservation"
_REFUSAL = "refusal"
"""The kind of the item with an engine's number of jobs at the last refusal; its `run_id` is the engine's
name."""

DEPLOYMENTS = "deployments"
"""Used like an engine's name for Bedrock's deployments."""

QUEUES: frozenset[WaitKind] = frozenset({"slot", "deployment"})
"""Waits in a queue, which end when it is the run's turn."""


class Waits:
    """The waits table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self.unreadable: dict[str, Exception] = {}
        """The rows that were left out because they could not be read, with the error, by run id."""

    def register(self, wait: Wait) -> Wait:
        """Register a callback token. A run that returns to the same queue keeps its place.

        Returns the wait as stored.
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
        """The waits of a run: normally at most one."""
        return list(self._query({"run_id": run_id}))

    def of_kind(self, kind: WaitKind) -> list[Wait]:
        """All waits of one kind, in order of arrival."""
        return list(self._query({"kind": kind}, index="by_kind"))

    def about(self, subject: str) -> list[Wait]:
        """The waits for a job or throughput."""
        return list(self._query({"subject": subject}, index="by_subject"))

    def remove(self, wait: Wait) -> None:
        """Delete a wait, unless a newer token has replaced it."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"run_id": {"S": wait.run_id}, "kind": {"S": wait.kind}},
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": {"S": wait.token}},
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def reserve_slot(self, run_id: str) -> bool:
        """Reserve a slot for a run, until it has started its job or `RESERVED_SECONDS` have passed.

        False if another process is granting a slot to the same run.
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
            if condition_failed(error):
                return False
            raise
        return True

    def give_up_slot(self, run_id: str) -> None:
        """Delete a reservation: the run's job holds the slot now, or the run no longer needs it."""
        key = {"run_id": {"S": run_id}, "kind": {"S": _RESERVATION}}
        self._dynamodb.delete_item(TableName=self._table, Key=key)

    def note_refusal(self, busy: int, engine: str) -> None:
        """Record that an engine refused a job while this many were running."""
        now = clock.now()
        item = {"run_id": engine, "kind": _REFUSAL, "arrived_at": now, "subject": str(busy)}
        item["expires_at"] = clock.after(now, REFUSAL_SECONDS)
        self._dynamodb.put_item(
            TableName=self._table, Item={name: {"S": value} for name, value in item.items()}
        )

    def refused_at(self, engine: str) -> int | None:
        """The number at the last refusal; None if that is too long ago."""
        key = {"run_id": {"S": engine}, "kind": {"S": _REFUSAL}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        try:
            counts = item is not None and item["expires_at"]["S"] > clock.now()
            return int(item["subject"]["S"]) if counts else None
        except (KeyError, ValueError):
            _log.exception("the last refusal of %s cannot be read: it does not count", engine)
            return None

    def reserved_slots(self) -> list[str]:
        """The runs with a granted slot that have not started their job."""
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

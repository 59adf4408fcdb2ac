"""The monthly spending of runs: spent, committed, and awaiting approval.

In the registry table: `pk` = `MONTH#<YYYY-MM>`, `sk` = `RUN#<run id>` has a run's amounts and tenant, `sk` =
`#VERSION` a number that every change increments, and the item that the last change wrote. A commitment is
written only if the month has not changed since it was read, so that two concurrent runs cannot exceed the
budget together. Reads and writes are strongly consistent; an index would not be.

The last change stands twice because even a consistent query is not isolated from a transaction
("read-committed", DynamoDB developer guide, transaction-apis): it may return the new version, but the run's
item of before.

A run counts in the month in which its costs begin: that of its estimate or, if needed, its approval; a
further attempt counts in the month of its own estimate. Amounts already spent stay in their month.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import code_of, explain
from tunedrop.contracts import Estimate, Run
from tunedrop.errors import TransientError
from tunedrop.registry._table import Item, Table, wire

_log = logging.getLogger(__name__)

TRIES = 12
"""Tries to write a month; each reads it again. Enough for this many concurrent runs; random pauses separate
them."""

PAUSE_SECONDS = 0.2

_VERSION = "#VERSION"


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """A run's US dollars: `spent` by ended attempts, `committed` to the current attempt or to a month's
    storage of its model and the throughput that it keeps, `requested` while it waits for approval."""

    spent: float = 0.0
    committed: float = 0.0
    requested: float = 0.0


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month as read: its version, the amounts of each run, and in `tenants` those of tenants.

    `version` is what the table holds, to be compared with; zero if there is none.
    """

    version: Any
    runs: Mapping[str, Amounts]
    tenants: Mapping[str, str] = {}

    def counted(self, *, besides: str = "", tenant: str = "") -> float:
        """US dollars spent and committed; for the given run, only what its ended attempts have spent.

        Parameters
        ----------
        tenant
            Count only this tenant's runs.
        """
        runs = {id_: one for id_, one in self.runs.items() if tenant in ("", self.tenants.get(id_))}
        committed = sum(one.committed for run_id, one in runs.items() if run_id != besides)
        return committed + sum(one.spent for one in runs.values())

    def requested(self, *, besides: str = "") -> float:
        """US dollars of other runs that wait for approval."""
        return sum(one.requested for run_id, one in self.runs.items() if run_id != besides)


def month_of(moment: str) -> str:
    """The month of a time, such as `2026-11`."""
    return moment[: len("2026-11")]


def months_between(first: str, last: str) -> Iterator[str]:
    """All months from the one of a time to that of another, in order.

    >>> list(months_between("2026-11-30T23:59:59Z", "2027-01-01T00:00:00Z"))
    ['2026-11', '2026-12', '2027-01']
    """
    year, month = int(first[:4]), int(first[5:7])
    while (key := f"{year:04}-{month:02}") <= month_of(last):
        yield key
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


class Spending:
    """The amounts of a stage's runs, month by month."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._table = Table(dynamodb, table)
        self.unreadable: dict[str, Exception] = {}
        """The rows of months that were left out because they could not be read, with the error, by run id."""

    def read(self, month: str) -> Month:
        """A month, read consistently. Unreadable rows are left out and noted in `unreadable`."""
        items = {item["sk"]: item for item in self._table.query({"pk": f"MONTH#{month}"})}
        last = items.pop(_VERSION, {})
        version = last.get("version", 0)
        if not isinstance(version, Decimal | int):
            _log.error("the version of %s cannot be read, and is replaced by the next change", month)
        elif "last" in last:
            items[last["last"]["sk"]] = last["last"]
        runs = {key.removeprefix("RUN#"): item for key, item in items.items()}
        read = {run_id: self._amounts(run_id, item) for run_id, item in runs.items()}
        return Month(
            version=version,
            runs={run_id: amounts for run_id, amounts in read.items() if amounts is not None},
            tenants={run_id: item["tenant"] for run_id, item in runs.items() if "tenant" in item},
        )

    def _amounts(self, run_id: str, item: Item) -> Amounts | None:
        try:
            return _read(item)
        except (TypeError, ValueError) as error:
            self.unreadable[run_id] = error
            return None

    def estimate(self, run: Run, decide: Callable[[Month], Estimate]) -> Estimate:
        """Commit a run's estimated cost, or record it as requested if it needs approval.

        Parameters
        ----------
        decide
            Returns the estimate with its reasons for approval, given the month; may raise.

        Raises
        ------
        TransientError
            If other runs keep changing the month at the same time.
        """

        def change(month: Month, amounts: Amounts) -> tuple[Amounts, Estimate]:
            found = decide(month)
            waits = bool(found.approval_reasons)
            committed, requested = (0.0, found.likely) if waits else (found.likely, 0.0)
            return Amounts(spent=amounts.spent, committed=committed, requested=requested), found

        found: Estimate = self._change(month_of(clock.now()), run, change)
        self._leave_earlier(run)
        return found

    def approve(self, run: Run) -> None:
        """Commit the amount that the run requested, possibly in an earlier month. Idempotent."""
        lines = self._lines(run).values()
        committed = max((one.requested or one.committed for one in lines), default=0.0)

        def change(_: Month, amounts: Amounts) -> tuple[Amounts, None]:
            return Amounts(spent=amounts.spent, committed=committed), None

        self._change(month_of(clock.now()), run, change)
        self._leave_earlier(run)

    def settle(self, run: Run, spent: float, committed: float = 0.0) -> None:
        """Record the cost of an ended run, over all attempts; its model continues to cost `committed`."""
        lines = self._lines(run)
        home = max(lines, default=month_of(clock.now()))
        mine = max(0.0, spent - sum(one.spent for month, one in lines.items() if month != home))
        self._change(home, run, lambda _, __: (Amounts(spent=mine, committed=committed), None))

    def _leave_earlier(self, run: Run) -> None:
        """In earlier months, keep only the amounts that a run has spent."""

        def leave(_: Month, amounts: Amounts) -> tuple[Amounts, None]:
            return Amounts(spent=amounts.spent), None

        for month in self._lines(run):
            if month < month_of(clock.now()):
                self._change(month, run, leave)

    def _lines(self, run: Run) -> dict[str, Amounts]:
        """A run's amounts in each month since it was submitted, if any."""
        found = {}
        for month in months_between(run.created_at, clock.now()):
            item = self._table.get(f"MONTH#{month}", f"RUN#{run.run_id}")
            amounts = self._amounts(run.run_id, item) if item is not None else None
            if amounts is not None:
                found[month] = amounts
        return found

    def _change(self, key: str, run: Run, change: Callable[[Month, Amounts], tuple[Amounts, Any]]) -> Any:
        for number in range(TRIES):
            month = self.read(key)
            before = month.runs.get(run.run_id, Amounts())
            after, answer = change(month, before)
            if after == before or self._write(key, run, after, month.version):
                return answer
            time.sleep(random.uniform(0, PAUSE_SECONDS * (number + 1)))  # noqa: S311
        raise TransientError(f"the spending of {key} was changed by other runs again and again")

    def _write(self, month: str, run: Run, amounts: Amounts, seen: Any) -> bool:
        """Write a run's amounts, unless the month's version has changed."""
        key = {"pk": f"MONTH#{month}"}
        item: Item = {**key, "sk": f"RUN#{run.run_id}"}
        item |= {name: _number(usd) for name, usd in msgspec.structs.asdict(amounts).items()}
        item |= {"tenant": run.tenant} if run.tenant else {}
        following = seen + 1 if isinstance(seen, Decimal | int) else 1
        version = {
            "TableName": self._table.name,
            "Key": wire({**key, "sk": _VERSION}),
            "UpdateExpression": "SET version = :next, #last = :last",
            "ExpressionAttributeNames": {"#last": "last"},
            "ConditionExpression": "attribute_not_exists(version)" if seen == 0 else "version = :seen",
            "ExpressionAttributeValues": wire(
                {":next": following, ":last": item} | ({} if seen == 0 else {":seen": seen})
            ),
        }
        line = {"TableName": self._table.name, "Item": wire(item)}
        try:
            self._table.client.transact_write_items(TransactItems=[{"Update": version}, {"Put": line}])
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if not reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
                raise TransientError(explain(error)) from error
            return False
        return True


def _number(usd: float) -> Decimal:
    """A number as DynamoDB stores it, for comparison: 0.0 is 0, 2.50 is 2.5."""
    return Decimal(format(Decimal(str(usd)).normalize(), "f"))


def _read(item: Item) -> Amounts:
    return Amounts(**{name: float(item[name]) for name in Amounts.__struct_fields__ if name in item})

"""Runs and their steps in the registry, with conditional writes that only one caller can make."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import code_of, explain
from tunedrop.contracts import Failure, Run, S3Object, Verdict
from tunedrop.errors import TransientError
from tunedrop.registry._notices import Notices
from tunedrop.registry._records import OPEN, UNREADABLE, Record, Seen, StepRecord, record_of, run_of, step_of
from tunedrop.registry._table import Item, Table, wire

T = TypeVar("T")

MAX_ERROR = 32_768
"""Characters of a step's error, as many as Step Functions takes of a cause: an item has at most 400 KB."""

_OF_ONE_ATTEMPT = (
    "failure", "stop_requested_by", "ended_at", "ended_as", "serving", "promotion", "released",
)  # fmt: skip

_MINE = "execution_arn = :mine"
"""The condition that the caller belongs to the run's latest attempt."""


class Registry:
    """The registry table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._table = Table(dynamodb, table)
        self.notices = Notices(self._table)
        self.unreadable: dict[str, Exception] = {}
        """The rows that a list has left out because they could not be read, with the error, by run id."""

    def register(self, run: Run, *, again: bool = False) -> bool:
        """Write a new run. False if its upload already has a run of another execution.

        Run, name and upload are written in one transaction.

        Parameters
        ----------
        again
            Whether the upload may already have a run, such as a manifest whose data has grown.

        Raises
        ------
        TransientError
            If another process is writing one of them.
        """
        item = {
            "pk": f"RUN#{run.run_id}",
            "sk": "RUN",
            "gsi_pk": "RUNS",
            "gsi_sk": f"{run.created_at}#{run.run_id}",
            "run_id": run.run_id,
            "name": run.name,
            "run": _json(run),
            "status": OPEN,
            "step": "register_run",
            "execution_arn": run.execution_arn,
            "updated_at": clock.now(),
        }
        name = {"pk": f"NAME#{run.name}", "sk": f"{run.created_at}#{run.run_id}", "run_id": run.run_id}
        upload = _upload(run.source) | {"run_id": run.run_id, "execution_arn": run.execution_arn}
        mine = {
            "ConditionExpression": "attribute_not_exists(pk) OR execution_arn = :mine",
            "ExpressionAttributeValues": wire({":mine": run.execution_arn}),
        }
        items = [(item, mine), (name, {}), *([] if again else [(upload, mine)])]
        if run.retune is not None:
            items.append(({"pk": "RETUNE", "sk": run.name}, {}))
        try:
            self._table.client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": self._table.name, "Item": wire(one), **condition}}
                    for one, condition in items
                ]
            )
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in reasons:
                return False
            raise TransientError(explain(error)) from error
        return True

    def run_of(self, upload: S3Object) -> Record | None:
        """The run that an upload has started, read consistently."""
        item = self._table.get(**_upload(upload))
        return self.get(item["run_id"]) if item is not None else None

    def has_run(self, upload: S3Object) -> bool:
        """Whether an upload has started a run, read consistently; cheaper than `run_of`."""
        return self._table.get(**_upload(upload)) is not None

    def get(self, run_id: str) -> Record | None:
        """A run by its id, read consistently."""
        item = self._run(run_id)
        return record_of(item) if item is not None else None

    def named(self, name: str) -> list[Record]:
        """The runs of a name, newest first; unreadable rows are noted in `unreadable`."""
        return list(self._of_name(name))

    def _of_name(self, name: str) -> Iterator[Record]:
        return self.some(self._ids_of(name))

    def _ids_of(self, name: str) -> Iterator[str]:
        items = self._table.query({"pk": f"NAME#{name}"}, forward=False)
        return (str(item["run_id"]) for item in items)

    def latest_to_retune(self, most: int) -> Iterator[Record]:
        """The latest run of each name that is retuned when its data grows, however old; of more than `most`
        names, a random part. Unreadable rows are noted in `unreadable`."""
        names = [str(item["sk"]) for item in self._table.query({"pk": "RETUNE"})]
        asked = _at_most(names, most)
        latest = (next(self.some(self._ids_of(name)), None) for name in asked)
        return (one for one in latest if one is not None and one.run.retune is not None)

    def note_engine(self, run_id: str, engine: str) -> None:
        """Record that a run has a job of an engine."""
        self._table.put({"pk": f"ENGINE#{engine}", "sk": run_id})

    def of_engines(self, engines: Iterable[str], most: int) -> Iterator[Record]:
        """The runs that had a job of these engines, however old; of more than `most`, a random part.
        Unreadable rows are noted in `unreadable`."""
        ids = [str(item["sk"]) for one in engines for item in self._table.query({"pk": f"ENGINE#{one}"})]
        return self.some(_at_most(ids, most))

    def name_of(self, run_id: str) -> str:
        """The name of a run, also of an unreadable one; empty if there is none of this id."""
        item = self._run(run_id) if run_id else None
        return str(item.get("name", "")) if item is not None else ""

    def is_open(self, run_id: str) -> bool:
        """Whether a run is open, also an unreadable one."""
        item = self._run(run_id)
        return item is not None and item.get("status") == OPEN

    def find(self, name: str) -> Record | None:
        """The run of this id, else the latest of this name."""
        return self.get(name) or next(self._of_name(name), None)

    def latest_model(self, name: str) -> str | None:
        """The ARN of the custom model of a run id, or of the latest run of a name that has one. A deleted
        model does not count: another run's may have its ARN by now."""
        records = [one] if (one := self.get(name)) is not None else self._of_name(name)
        return next((job.model_arn for record in records if (job := record.trained) is not None), None)

    def recent(self, limit: int = 50, since: str = "") -> list[Record]:
        """The latest runs, newest first, not older than `since`.

        Unreadable rows are left out and noted in `unreadable`.
        """
        found: list[Record] = []
        for item in self._latest():
            record = self._readable(item, record_of)
            if record is None:
                continue
            if len(found) >= limit or record.run.created_at < since:
                break
            found.append(record)
        return found

    def runs(self, limit: int) -> Iterator[Run]:
        """The latest runs as they were registered, newest first, one at a time and without what they have
        produced: whoever uploads decides how large that is.

        Unreadable rows are left out and noted in `unreadable`.
        """
        found = (self._readable(item, run_of) for item in self._latest("pk", "run"))
        return islice((one for one in found if one is not None), limit)

    def seen(self, limit: int) -> list[Seen]:
        """The same, so little of each that very many can be held."""
        return [msgspec.convert(one, Seen, from_attributes=True) for one in self.runs(limit)]

    def latest_open(self, limit: int) -> list[str]:
        """The ids of the open runs among the latest, newest first."""
        latest = islice(self._latest("pk", "status"), limit)
        return [_id_of(item) for item in latest if item.get("status") == OPEN]

    def _latest(self, *only: str) -> Iterator[Item]:
        return self._table.query({"gsi_pk": "RUNS"}, forward=False, index="by_time", only=only)

    def some(self, run_ids: Iterable[str]) -> Iterator[Record]:
        """Those of these runs that exist; unreadable rows are noted in `unreadable`."""
        for run_id in run_ids:
            item = self._run(run_id)
            record = self._readable(item, record_of) if item is not None else None
            if record is not None:
                yield record

    def _readable(self, item: Item, read: Callable[[Item], T]) -> T | None:
        try:
            return read(item)
        except UNREADABLE as error:
            self.unreadable[_id_of(item)] = error
            return None

    def steps(self, run_id: str) -> list[StepRecord]:
        """All attempts at steps, in order: the run's timeline."""
        return [step_of(item) for item in self._table.query({"pk": f"RUN#{run_id}"}, prefix="STEP#")]

    def start_step(self, run_id: str, step: str, started_at: str) -> Record:
        """Record that a step begins; returns the current record, with any stop request."""
        self._put_step(run_id, StepRecord(step=step, started_at=started_at))
        return self._update(run_id, {"step": step})

    def end_step(self, run_id: str, step: str, started_at: str, error: str = "") -> None:
        ended = StepRecord(step=step, started_at=started_at, ended_at=clock.now(), error=error[:MAX_ERROR])
        self._put_step(run_id, ended)

    def save(self, run_id: str, **documents: msgspec.Struct) -> None:
        """Save contracts that the run has produced, by their name in the workflow."""
        self._update(run_id, {name: _json(document) for name, document in documents.items()})

    def note_gone(self, run_id: str, *arns: str) -> None:
        """Record that models or serving resources of a run were deleted. An unknown run is ignored."""
        self._table.add(f"RUN#{run_id}", "RUN", "gone", arns)

    def note_cost(self, run_id: str, **usd: float) -> None:
        """Save `estimated_usd` or `actual_usd`."""
        self._update(run_id, {name: str(amount) for name, amount in usd.items()})

    def request_stop(self, run: Run, by: str) -> bool:
        """Request a stop of this attempt at a run: its next step will not begin. False if it has ended."""
        fields = {"stop_requested_by": by or "somebody"}
        return self._update_if(run.run_id, _MINE, fields, values={":mine": run.execution_arn})

    def ended_as(self, run: Run, failure: Failure | None) -> Failure | None:
        """The failure of this attempt at a run according to whoever closes it first; all later callers get
        the same.

        A run's last step and the sweep may close it at the same time, with different causes. A caller so late
        that the next attempt has begun does not affect it.
        """
        said = msgspec.json.encode(failure).decode()
        condition, mine = f"attribute_not_exists(ended_as) AND {_MINE}", {":mine": run.execution_arn}
        if not self._update_if(run.run_id, condition, {"ended_as": said}, values=mine):
            said = (self._run(run.run_id) or {}).get("ended_as") or said
        return msgspec.json.decode(said, type=Failure | None)

    def end(self, run_id: str, outcome: str, failure: Failure | None, execution_arn: str = "") -> None:
        """Close a run with its outcome. Idempotent.

        Parameters
        ----------
        execution_arn
            The attempt that has ended; if the next one has begun meanwhile, the run stays open.
        """
        fields: dict[str, Any] = {"status": outcome, "step": "", "ended_at": clock.now()}
        if failure is not None:
            fields["failure"] = _json(failure)
        if execution_arn:
            self._update_if(run_id, _MINE, fields, values={":mine": execution_arn})
        else:
            self._update(run_id, fields)

    def reopen(self, run: Run, verdict: Verdict | None = None) -> bool:
        """Reopen a run as its next attempt. False if another process has reopened it.

        If this attempt re-evaluates the model, its evaluation is removed, and the verdict until now kept as
        the `earlier` one.
        """
        fields = {"status": OPEN, "execution_arn": run.execution_arn, "run": _json(run)}
        fields |= {"earlier": _json(verdict)} if verdict is not None else {}
        old = (*_OF_ONE_ATTEMPT, *(("evaluation",) if run.evaluation_attempt == run.attempt else ()))
        if self._update_if(run.run_id, "#status <> :status", fields, remove=old):
            return True
        # An earlier try of this call may have succeeded before its response was lost.
        record = self.get(run.run_id)
        return record is not None and record.run == run

    def claim(self, what: str, which: str) -> bool:
        """True for the first caller only, for actions that happen once."""
        return self._table.put_new({"pk": f"ONCE#{what}", "sk": which})

    def is_claimed(self, what: str, which: str) -> bool:
        """Whether it was claimed."""
        return self._table.get(f"ONCE#{what}", which) is not None

    def claimed(self, what: str, begin: str) -> set[str]:
        """Everything that was claimed whose name begins so."""
        return {str(item["sk"]) for item in self._table.query({"pk": f"ONCE#{what}"}, prefix=begin)}

    def keep(self, name: str, text: str) -> None:
        """Save a document of the stage, replacing the previous one."""
        self._table.put({"pk": f"KEPT#{name}", "sk": "KEPT", "text": text})

    def kept(self, name: str) -> str | None:
        """A document of the stage; None if none was saved."""
        item = self._table.get(f"KEPT#{name}", "KEPT")
        return str(item["text"]) if item is not None else None

    def _run(self, run_id: str) -> Item | None:
        return self._table.get(f"RUN#{run_id}", "RUN")

    def _put_step(self, run_id: str, record: StepRecord) -> None:
        item = {"pk": f"RUN#{run_id}", "sk": f"STEP#{record.started_at}#{record.step}"}
        self._table.put(item | {key: value for key, value in msgspec.structs.asdict(record).items() if value})

    def _update(self, run_id: str, fields: Mapping[str, Any]) -> Record:
        return record_of(self._table.update(f"RUN#{run_id}", "RUN", fields))

    def _update_if(
        self,
        run_id: str,
        condition: str,
        fields: Mapping[str, Any],
        remove: tuple[str, ...] = (),
        values: Mapping[str, Any] = {},
    ) -> bool:
        return self._table.update_if(f"RUN#{run_id}", "RUN", condition, fields, remove, values)


def _id_of(item: Item) -> str:
    return str(item.get("pk", "")).removeprefix("RUN#")


def _at_most(names: list[str], most: int) -> list[str]:
    """So many of them, drawn anew each time."""
    return names if len(names) <= most else random.sample(names, most)


def _upload(source: S3Object) -> dict[str, str]:
    """Whether IAM's `*` matches a line break is not documented, so keys with line breaks are hashed."""
    key = source.key
    if key.splitlines() != [key]:
        key = hashlib.sha256(key.encode()).hexdigest()
    return {"pk": f"UPLOAD#{source.bucket}/{key}", "sk": source.version_id or "null"}


def _json(document: msgspec.Struct) -> str:
    return msgspec.json.encode(document).decode()

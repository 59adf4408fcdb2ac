"""Runs and their steps, in one DynamoDB table.

| pk | sk | what |
| --- | --- | --- |
| `RUN#<run id>` | `RUN` | the run: status, and each contract it has produced, as JSON |
| `RUN#<run id>` | `STEP#<started at>#<step>` | one attempt at a step |
| `TRAINING#<hash>` | `RUN` | the run that has trained these records (`tunedrop.registry.trainings`) |
| `MONTH#<month>` | `RUN#<run id>` | what a run counts for in a month (`tunedrop.registry.spending`) |
| `ONCE#<what>` | which | something that is done once, such as an announcement |
| `KEPT#<name>` | `KEPT` | a document of the stage, such as the price list |
| `NAME#<name>` | `<created at>#<run id>` | the runs that a name has had |
| `ALIAS#<name>` | `<moment>#<run id>` | what a name has stood for (`tunedrop.registry.aliases`) |
| `ARN#<arn>` | `CLAIM` | who promotes or deletes it now (`tunedrop.registry.claims`) |
| `TROUBLE` | what | something that failed and is tried again (`tunedrop.registry.troubles`) |
| `OPEN#<tenant>` | `RUNS` | the runs that are open at once (`tunedrop.registry.open_runs`) |
| `UPLOAD#<bucket>/<key>` | `<version>` | the one run that this upload has started |

Index `by_time`: `gsi_pk` = `RUNS`, `gsi_sk` = `<created at>#<run id>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import code_of, explain
from tunedrop.contracts import RESULT_NAMES, CompletedJob, Failure, Run, S3Object
from tunedrop.errors import TransientError

T = TypeVar("T")

UNSURE_SECONDS = 20
"""How long the receipt of a notification may take; SNS delivers to Lambda in well under a second."""

OPEN = "running"
"""The status of a run that has not ended; the others are the outcomes of `tunedrop.contracts.Outcome`."""

_DOCUMENTS = ("preflight", *(name for name in RESULT_NAMES.values() if name != "failure"))

_OF_ONE_ATTEMPT = (
    "failure", "stop_requested_by", "ended_at", "ended_as", "serving", "promotion", "released",
)  # fmt: skip


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a step; `ended_at` is empty while it runs, `error` when it went well."""

    step: str
    started_at: str
    ended_at: str = ""
    error: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry knows of a run. `documents` holds the contracts as JSON text, by name; `gone` are the
    ARNs of its models and of what served them that were deleted."""

    run: Run
    status: str
    step: str = ""
    updated_at: str = ""
    failure: Failure | None = None
    stop_requested_by: str = ""
    estimated_usd: float | None = None
    actual_usd: float | None = None
    told_attempt: int = 0
    emitted_attempt: int = 0
    gone: frozenset[str] = frozenset()
    documents: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        return self.status == OPEN

    def document(self, name: str, shape: type[T]) -> T | None:
        """One contract that the run has produced, or None when it has not come to that."""
        text = self.documents.get(name)
        return msgspec.json.decode(text, type=shape) if text else None


class Registry:
    """The registry table of a stage."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self.unreadable: dict[str, Exception] = {}
        """The rows that a list has left out because they could not be read, and why; by run id."""

    def register(self, run: Run, *, again: bool = False) -> bool:
        """Write a new run. False when its upload has one already that another execution owns.

        Run, name and upload are written together or not at all.

        Parameters
        ----------
        again
            Whether the upload may have a run already, as a manifest whose data has grown.

        Raises
        ------
        TransientError
            When somebody else writes one of them at this moment.
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
            "ExpressionAttributeValues": _wire({":mine": run.execution_arn}),
        }
        items = [(item, mine), (name, {}), *([] if again else [(upload, mine)])]
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": self._table, "Item": _wire(one), **condition}}
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
        key = _wire(_upload(upload))
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return self.get(_unwire(answer["Item"])["run_id"]) if "Item" in answer else None

    def get(self, run_id: str) -> Record | None:
        """A run by its id, read consistently."""
        key = _wire({"pk": f"RUN#{run_id}", "sk": "RUN"})
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _record(_unwire(answer["Item"])) if "Item" in answer else None

    def named(self, name: str) -> list[Record]:
        """The runs of a name, newest first."""
        items = self._query({"pk": f"NAME#{name}"}, forward=False)
        records = (self.get(str(item["run_id"])) for item in items)
        return [record for record in records if record is not None]

    def find(self, name: str) -> Record | None:
        """The run that a person means: the one of this id, else the latest of this name."""
        return self.get(name) or next(iter(self.named(name)), None)

    def latest_model(self, name: str) -> str | None:
        """The ARN of the custom model of a run id, or of the latest run of a name that has made one."""
        records = [one] if (one := self.get(name)) is not None else self.named(name)
        done = (record.document("job", CompletedJob) for record in records)
        return next((job.model_arn for job in done if job is not None), None)

    def recent(self, limit: int = 50, since: str = "") -> list[Record]:
        """The latest runs, newest first; `since` is the oldest moment that counts.

        A row that cannot be read is left out, and noted in `unreadable`.
        """
        found: list[Record] = []
        for item in self._query({"gsi_pk": "RUNS"}, forward=False, index="by_time"):
            record = self._readable(item)
            if record is None:
                continue
            if len(found) >= limit or record.run.created_at < since:
                break
            found.append(record)
        return found

    def some(self, run_ids: Iterable[str]) -> Iterator[Record]:
        """Those of these runs that exist, one by one; a row that cannot be read is noted in `unreadable`."""
        for run_id in run_ids:
            key = _wire({"pk": f"RUN#{run_id}", "sk": "RUN"})
            answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            if "Item" in answer and (record := self._readable(_unwire(answer["Item"]))) is not None:
                yield record

    def _readable(self, item: Mapping[str, Any]) -> Record | None:
        try:
            return _record(item)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
            self.unreadable[str(item.get("pk", "")).removeprefix("RUN#")] = error
            return None

    def steps(self, run_id: str) -> list[StepRecord]:
        """Every attempt at a step, in order: the run's timeline."""
        items = self._query({"pk": f"RUN#{run_id}"}, prefix="STEP#")
        return [
            msgspec.convert(_only(item, "step", "started_at", "ended_at", "error"), StepRecord)
            for item in items
        ]

    def start_step(self, run_id: str, step: str, started_at: str) -> Record:
        """Mark that a step begins; gives the run as it is now, with any stop that was asked for."""
        self._put_step(run_id, StepRecord(step=step, started_at=started_at))
        return self._update(run_id, {"step": step})

    def end_step(self, run_id: str, step: str, started_at: str, error: str = "") -> None:
        self._put_step(
            run_id, StepRecord(step=step, started_at=started_at, ended_at=clock.now(), error=error)
        )

    def save(self, run_id: str, **documents: msgspec.Struct) -> None:
        """Keep contracts that the run has produced, by their name in the workflow."""
        self._update(run_id, {name: _json(document) for name, document in documents.items()})

    def note_gone(self, run_id: str, *arns: str) -> None:
        """Keep that models of a run, or what served them, were deleted. A run that is not known is fine."""
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_wire({"pk": f"RUN#{run_id}", "sk": "RUN"}),
                UpdateExpression="ADD gone :arns",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":arns": {"SS": list(arns)}},
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise

    def note_cost(self, run_id: str, **usd: float) -> None:
        """Keep `estimated_usd` or `actual_usd`."""
        self._update(run_id, {name: str(amount) for name, amount in usd.items()})

    def request_stop(self, run: Run, by: str) -> bool:
        """Ask this attempt at a run to stop: its next step will not begin. False when it has ended."""
        try:
            self._update(
                run.run_id,
                {"stop_requested_by": by or "somebody"},
                condition="execution_arn = :mine",
                values={":mine": run.execution_arn},
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def ended_as(self, run: Run, failure: Failure | None) -> Failure | None:
        """How this attempt at a run has ended, as whoever closes it first says: so say all after it.

        Its own last step and the sweep may close a run at the same time, each with a cause of its own. One
        that is so late that the next attempt has begun says nothing of that.
        """
        said = msgspec.json.encode(failure).decode()
        try:
            self._update(
                run.run_id,
                {"ended_as": said},
                condition="attribute_not_exists(ended_as) AND execution_arn = :mine",
                values={":mine": run.execution_arn},
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            said = self._field(run.run_id, "ended_as") or said
        return msgspec.json.decode(said, type=Failure | None)

    def end(self, run_id: str, outcome: str, failure: Failure | None, execution_arn: str = "") -> None:
        """Close a run with how it ended. Closing it again changes nothing that a person sees.

        Parameters
        ----------
        execution_arn
            The attempt that has ended: where the next one has begun meanwhile, the run stays open.
        """
        fields: dict[str, Any] = {"status": outcome, "step": "", "ended_at": clock.now()}
        if failure is not None:
            fields["failure"] = _json(failure)
        mine = {":mine": execution_arn} if execution_arn else {}
        try:
            self._update(run_id, fields, condition="execution_arn = :mine" if mine else "", values=mine)
        except ClientError as error:
            if not mine or code_of(error) != "ConditionalCheckFailedException":
                raise

    def reopen(self, run: Run) -> bool:
        """Let a run that has ended go on as its next attempt. False when somebody else has opened it.

        The evaluation that it had is forgotten where another begins with this attempt.
        """
        fields = {"status": OPEN, "execution_arn": run.execution_arn, "run": _json(run)}
        try:
            self._update(
                run.run_id,
                fields,
                remove=(
                    *_OF_ONE_ATTEMPT,
                    *(("evaluation",) if run.evaluation_attempt == run.attempt else ()),
                ),
                condition="#status <> :status",
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            # An earlier try of this very call may have had its effect before it lost its answer.
            record = self.get(run.run_id)
            return record is not None and record.run == run
        return True

    def begin_notice(self, run_id: str, attempt: int) -> Literal["mine", "told", "unsure"]:
        """Whose it is to tell how this attempt at a run has ended: the first caller's, and nobody else's.

        `unsure`: an earlier caller has begun and it is not known yet whether it was heard. After
        `UNSURE_SECONDS` without a receipt it was not, and the next caller may.
        """
        claim = f"{attempt} {clock.now()}"
        condition, values = "attribute_not_exists(notice)", {}
        if (earlier := self._field(run_id, "notice")) and int(earlier.split()[0]) == attempt:
            record = self.get(run_id)
            if record is not None and record.told_attempt == attempt:
                return "told"
            if clock.seconds_between(earlier.split()[1], clock.now()) < UNSURE_SECONDS:
                return "unsure"
        if earlier:
            condition, values = "notice = :earlier", {":earlier": earlier}
        try:
            self._update(run_id, {"notice": claim}, condition=condition, values=values)
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return "unsure"
            raise
        return "mine"

    def confirm_notice(self, run_id: str, attempt: int) -> None:
        """SNS has taken the notification; said by its publisher, or by a subscriber that got it."""
        self._update(run_id, {"told_attempt": attempt})

    def give_back_notice(self, run_id: str) -> None:
        """SNS has surely not taken the notification: the next try may begin at once."""
        self._update(run_id, {}, remove=("notice",))

    def mark_emitted(self, run_id: str, attempt: int) -> None:
        """The event of this attempt's end is on the event bus."""
        self._update(run_id, {"emitted_attempt": attempt})

    def _field(self, run_id: str, name: str) -> str:
        key = _wire({"pk": f"RUN#{run_id}", "sk": "RUN"})
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=key, ConsistentRead=True, ProjectionExpression=name
        )
        return str(_unwire(answer.get("Item", {})).get(name, ""))

    def claim(self, what: str, which: str) -> bool:
        """True for the first caller only, for ever: for what may be done once."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_wire({"pk": f"ONCE#{what}", "sk": which}),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def is_claimed(self, what: str, which: str) -> bool:
        """Whether somebody has claimed it."""
        key = _wire({"pk": f"ONCE#{what}", "sk": which})
        return "Item" in self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)

    def keep(self, name: str, text: str) -> None:
        """Keep a document of the stage, in place of the one before it."""
        item = {"pk": f"KEPT#{name}", "sk": "KEPT", "text": text}
        self._dynamodb.put_item(TableName=self._table, Item=_wire(item))

    def kept(self, name: str) -> str | None:
        """A document of the stage; None where none was kept."""
        key = _wire({"pk": f"KEPT#{name}", "sk": "KEPT"})
        item = self._dynamodb.get_item(TableName=self._table, Key=key).get("Item")
        return str(item["text"]["S"]) if item is not None else None

    def _put_step(self, run_id: str, record: StepRecord) -> None:
        item = {"pk": f"RUN#{run_id}", "sk": f"STEP#{record.started_at}#{record.step}"}
        item |= {key: value for key, value in msgspec.structs.asdict(record).items() if value}
        self._dynamodb.put_item(TableName=self._table, Item=_wire(item))

    def _update(
        self,
        run_id: str,
        fields: Mapping[str, Any],
        remove: tuple[str, ...] = (),
        condition: str = "",
        values: Mapping[str, Any] = {},
    ) -> Record:
        fields = {**fields, "updated_at": clock.now()}
        values = {f":{name}": value for name, value in fields.items()} | dict(values)
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in fields)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        exists = "attribute_exists(pk)"
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=_wire({"pk": f"RUN#{run_id}", "sk": "RUN"}),
            UpdateExpression=expression,
            ConditionExpression=f"{exists} AND {condition}" if condition else exists,
            ExpressionAttributeNames={f"#{name}": name for name in (*fields, *remove)},
            ExpressionAttributeValues=_wire(values),
            ReturnValues="ALL_NEW",
        )
        return _record(_unwire(answer["Attributes"]))

    def _query(
        self, key: Mapping[str, str], *, prefix: str = "", forward: bool = True, index: str = ""
    ) -> Iterator[dict[str, Any]]:
        ((name, value),) = key.items()
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": f"{name} = :value"
            + (" AND begins_with(sk, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": _wire({":value": value} | ({":prefix": prefix} if prefix else {})),
            "ScanIndexForward": forward,
        }
        if index:
            arguments["IndexName"] = index
        else:
            arguments["ConsistentRead"] = True  # an index has none
        for page in self._dynamodb.get_paginator("query").paginate(**arguments):
            yield from (_unwire(item) for item in page["Items"])


def _upload(source: S3Object) -> dict[str, str]:
    """A line break in a key is for IAM to match with `*` or not; the hash of the key has none."""
    key = source.key
    if key.splitlines() != [key]:
        key = hashlib.sha256(key.encode()).hexdigest()
    return {"pk": f"UPLOAD#{source.bucket}/{key}", "sk": source.version_id or "null"}


def _record(item: Mapping[str, Any]) -> Record:
    return Record(
        run=msgspec.json.decode(item["run"], type=Run),
        status=item["status"],
        step=item.get("step", ""),
        updated_at=item.get("updated_at", ""),
        failure=msgspec.json.decode(item["failure"], type=Failure) if "failure" in item else None,
        stop_requested_by=item.get("stop_requested_by", ""),
        estimated_usd=_dollars(item, "estimated_usd"),
        actual_usd=_dollars(item, "actual_usd"),
        told_attempt=int(item.get("told_attempt", 0)),
        emitted_attempt=int(item.get("emitted_attempt", 0)),
        gone=frozenset(item.get("gone", ())),
        documents={name: item[name] for name in _DOCUMENTS if name in item},
    )


def _dollars(item: Mapping[str, Any], name: str) -> float | None:
    return float(item[name]) if name in item else None


def _only(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


def _json(document: msgspec.Struct) -> str:
    return msgspec.json.encode(document).decode()


def _wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB's API takes it: each value with its type."""
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def _unwire(item: Mapping[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}

"""Prevents paying twice for the same records with the same settings.

In the registry table: `pk` = `TRAINING#<hash>`, `sk` = `RUN`, with the run that has it. Whoever repeats a
command or an upload finds the run that was there before; who means it says `again`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop.aws import code_of
from tunedrop.contracts import CompletedJob, Dataset, Run
from tunedrop.errors import AlreadyTrained, TransientError
from tunedrop.registry.records import Record
from tunedrop.registry.runs import Registry


def fingerprint(run: Run, dataset: Dataset) -> str:
    """The same for the same name, records and settings, whatever the files are called.

    What a run may cost is no setting: one that nobody approved is uploaded again with another budget.
    """
    settings = (
        run.name, dataset.content_hash, dataset.method, run.base_model, run.parent_model, run.hyperparameters,
        run.candidates, run.earlier_stages, run.teacher, run.grader, run.deployment, run.evaluation,
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(settings, order="sorted")).hexdigest()


class Trainings:
    """The trainings of a stage."""

    def __init__(self, dynamodb: Any, table: str, registry: Registry) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._registry = registry

    def claim(self, run: Run, dataset: Dataset) -> None:
        """This run trains these records with these settings, and no other does.

        Raises
        ------
        AlreadyTrained
            When another run has, or is about to, and nobody said `again`.
        TransientError
            When another run claims them at this moment.
        """
        key = {"pk": {"S": f"TRAINING#{fingerprint(run, dataset)}"}, "sk": {"S": "RUN"}}
        found = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        before = found.get("run_id", {}).get("S", "")
        if before == run.run_id:
            return
        record = self._registry.get(before) if before else None
        if record is not None and not run.again and (what := _has_trained(record)):
            raise AlreadyTrained(
                f"the run {before} {what} the same records with the same settings under this name. Nothing "
                f"was paid. See it: tunedrop show {before}. To train them once more, say again: true in the "
                "manifest, or upload with --again"
            )
        seen = {":seen": {"S": before}} if before else {}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=key | {"run_id": {"S": run.run_id}},
                ConditionExpression="run_id = :seen" if before else "attribute_not_exists(pk)",
                **({"ExpressionAttributeValues": seen} if seen else {}),
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise TransientError("another run claims the same training now") from error


def _has_trained(record: Record) -> str:
    """What a run does or has done with what it claimed; empty where nothing has come of it, or is left."""
    if record.is_open:
        return "is training"
    job = record.document("job", CompletedJob)
    return "has trained" if job is not None and job.model_arn not in record.gone else ""

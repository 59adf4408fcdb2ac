"""How many runs of a tenant, or of a stage without tenants, may be open at once.

Whoever may upload can start any number of runs. Bedrock's quotas and the budgets bound what they train; this
bounds what they do before: functions that check data, and rows.

`pk` = `OPEN#<tenant>`, `sk` = `RUNS`: the set of the run ids that have a place. Places of runs that have
ended are taken back when one is wanted, so that no run has to give its own back, however it ends.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop.aws import code_of
from tunedrop.errors import TransientError
from tunedrop.registry.runs import Registry

_TRIES = 5


class OpenRuns:
    """The places of a stage's open runs."""

    def __init__(self, dynamodb: Any, table: str, registry: Registry, most: int) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._registry = registry
        self._most = most

    def take(self, tenant: str, run_id: str) -> bool:
        """A place for a run; False when all are taken by runs that are open. Twice is as once.

        The condition and the write are one, so that no two runs take the last place.

        Raises
        ------
        TransientError
            When others take every place that is freed, again and again.
        """
        for _ in range(_TRIES):
            if self._add(tenant, run_id):
                return True
            ended = next((one for one in self._holders(tenant) if not self._is_open(one)), None)
            if ended is None:
                return False
            self._remove(tenant, ended)
        raise TransientError("places of open runs were taken by other runs again and again")

    def _add(self, tenant: str, run_id: str) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(tenant),
                UpdateExpression="ADD holders :mine",
                ConditionExpression=(
                    "attribute_not_exists(holders) OR contains(holders, :id) OR size(holders) < :most"
                ),
                ExpressionAttributeValues={
                    ":mine": {"SS": [run_id]}, ":id": {"S": run_id}, ":most": {"N": str(self._most)},
                },
            )  # fmt: skip
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _holders(self, tenant: str) -> list[str]:
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(tenant), ConsistentRead=True)
        return sorted(answer.get("Item", {}).get("holders", {}).get("SS", ()))

    def _is_open(self, run_id: str) -> bool:
        record = self._registry.get(run_id)
        return record is not None and record.is_open

    def _remove(self, tenant: str, ended: str) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(tenant),
            UpdateExpression="DELETE holders :ended",
            ExpressionAttributeValues={":ended": {"SS": [ended]}},
        )


def _key(tenant: str) -> dict[str, Any]:
    return {"pk": {"S": f"OPEN#{tenant}"}, "sk": {"S": "RUNS"}}

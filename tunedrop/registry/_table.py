"""The registry table in DynamoDB, read and written by the modules that say what its items mean.

| pk | sk | what |
| --- | --- | --- |
| `RUN#<run id>` | `RUN` | the run: status, and each contract it has produced, as JSON |
| `RUN#<run id>` | `STEP#<started at>#<step>` | one attempt at a step |
| `TRAINING#<hash>` | `RUN` | the run that has trained these records (`tunedrop.registry.trainings`) |
| `MONTH#<month>` | `RUN#<run id>` | a run's spending in a month (`tunedrop.registry.spending`) |
| `ONCE#<what>` | which | an action that happens once, such as an announcement or a request for approval |
| `KEPT#<name>` | `KEPT` | a document of the stage, such as the price list |
| `NAME#<name>` | `<created at>#<run id>` | the runs that a name has had |
| `ENGINE#<name>` | `<run id>` | a run that had a job of an engine |
| `RETUNE` | name | a name that is retuned when its data has grown |
| `ALIAS#<name>` | `<moment>#<run id>` | what a name has pointed to (`tunedrop.registry.aliases`) |
| `ALIAS#` | `WRITING` | the aliases that are being written now |
| `ARN#<arn or alias>` | `CLAIM` | who promotes or deletes it now (`tunedrop.registry.claims`) |
| `TROUBLE` | what | something that failed and is tried again (`tunedrop.registry.troubles`) |
| `OPEN#<tenant>` | `RUNS` | the runs that are open at once (`tunedrop.registry.open_runs`) |
| `UPLOAD#<bucket>/<key>` | `<version>` | the one run that this upload has started |

Index `by_time`: `gsi_pk` = `RUNS`, `gsi_sk` = `<created at>#<run id>`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tunedrop import clock
from tunedrop.aws import condition_failed

Item = dict[str, Any]


class Table:
    """The registry table of a stage. A key is `pk` and `sk`."""

    def __init__(self, dynamodb: Any, name: str) -> None:
        self.client = dynamodb
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        """One item, read consistently."""
        answer = self.client.get_item(TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)
        return unwire(answer["Item"]) if "Item" in answer else None

    def put(self, item: Mapping[str, Any]) -> None:
        self.client.put_item(TableName=self.name, Item=wire(item))

    def put_new(self, item: Mapping[str, Any]) -> bool:
        """Write an item; False if its key exists."""
        return self.put_if(item, "attribute_not_exists(pk)")

    def put_if(self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any] = {}) -> bool:
        """Write an item; False if the condition on the item that it replaces does not hold."""
        return _holds(
            self.client.put_item,
            TableName=self.name,
            Item=wire(item),
            ConditionExpression=condition,
            **_values(values),
        )

    def delete(self, pk: str, sk: str) -> None:
        self.client.delete_item(TableName=self.name, Key=_key(pk, sk))

    def change(
        self, pk: str, sk: str, expression: str, values: Mapping[str, Any] = {}, condition: str = ""
    ) -> bool:
        """Apply an update expression to an item, which it creates if missing; False if the condition does not
        hold."""
        return _holds(
            self.client.update_item,
            TableName=self.name,
            Key=_key(pk, sk),
            UpdateExpression=expression,
            **_values(values),
            **({"ConditionExpression": condition} if condition else {}),
        )

    def update(
        self,
        pk: str,
        sk: str,
        fields: Mapping[str, Any],
        remove: tuple[str, ...] = (),
        condition: str = "",
        values: Mapping[str, Any] = {},
    ) -> Item:
        """Change an existing item; returns it as changed.

        Parameters
        ----------
        condition, values
            An additional condition expression, and its values.

        Raises
        ------
        ClientError
            ConditionalCheckFailedException if there is no such item, or the condition does not hold.
        """
        fields = {**fields, "updated_at": clock.now()}
        values = {f":{name}": value for name, value in fields.items()} | dict(values)
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in fields)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        exists = "attribute_exists(pk)"
        answer = self.client.update_item(
            TableName=self.name,
            Key=_key(pk, sk),
            UpdateExpression=expression,
            ConditionExpression=f"{exists} AND {condition}" if condition else exists,
            ExpressionAttributeNames={f"#{name}": name for name in (*fields, *remove)},
            ExpressionAttributeValues=wire(values),
            ReturnValues="ALL_NEW",
        )
        return unwire(answer["Attributes"])

    def update_if(
        self,
        pk: str,
        sk: str,
        condition: str,
        fields: Mapping[str, Any],
        remove: tuple[str, ...] = (),
        values: Mapping[str, Any] = {},
    ) -> bool:
        """Change an item; False if it does not exist, or the condition does not hold."""
        try:
            self.update(pk, sk, fields, remove, condition, values)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

    def add(self, pk: str, sk: str, name: str, values: Collection[str]) -> None:
        """Add to a set of an item; a missing item is ignored."""
        self.change(pk, sk, f"ADD {name} :values", {":values": set(values)}, "attribute_exists(pk)")

    def query(
        self, key: Mapping[str, str], *, prefix: str = "", forward: bool = True, index: str = "",
        only: Sequence[str] = (),
    ) -> Iterator[Item]:  # fmt: skip
        """The items of a partition whose sort keys have the prefix; of each, all attributes or `only` these.

        One page is held at a time.
        """
        ((name, value),) = key.items()
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": f"{name} = :value"
            + (" AND begins_with(sk, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": wire({":value": value} | ({":prefix": prefix} if prefix else {})),
            "ScanIndexForward": forward,
        }
        if only:
            arguments["ProjectionExpression"] = ", ".join(f"#{one}" for one in only)
            arguments["ExpressionAttributeNames"] = {f"#{one}": one for one in only}
        if index:
            arguments["IndexName"] = index
        else:
            arguments["ConsistentRead"] = True  # an index has none
        for page in self.client.get_paginator("query").paginate(**arguments):
            yield from (unwire(item) for item in page["Items"])


def wire(item: Mapping[str, Any]) -> Item:
    """An item in the format of DynamoDB's API: each value with its type."""
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def unwire(item: Mapping[str, Any]) -> Item:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _values(values: Mapping[str, Any]) -> Item:
    return {"ExpressionAttributeValues": wire(values)} if values else {}


def _holds(call: Callable[..., Any], **arguments: Any) -> bool:
    """Make a conditional call; False if its condition does not hold."""
    try:
        call(**arguments)
    except ClientError as error:
        if not condition_failed(error):
            raise
        return False
    return True

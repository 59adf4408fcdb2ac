"""The stage's tables and its intake bucket, shaped as the stack makes them."""

from __future__ import annotations

from tunedrop.aws import Aws
from tunedrop.stage import Stage


def make_registry_table(aws: Aws, stage: Stage) -> None:
    aws.dynamodb.create_table(
        TableName=stage.registry_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi_pk", "gsi_sk")
        ],
        GlobalSecondaryIndexes=[_index("by_time", "gsi_pk", "gsi_sk")],
    )


def make_waits_table(aws: Aws, stage: Stage) -> None:
    aws.dynamodb.create_table(
        TableName=stage.waits_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "run_id", "KeyType": "HASH"},
            {"AttributeName": "kind", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("run_id", "kind", "arrived_at", "subject")
        ],
        GlobalSecondaryIndexes=[_index("by_kind", "kind", "arrived_at"), _index("by_subject", "subject")],
    )


def spoil(aws: Aws, table: str, key: dict[str, str], name: str, text: str = "{") -> None:
    """Write what nobody can read into an attribute of a row."""
    aws.dynamodb.update_item(
        TableName=table, Key={part: {"S": value} for part, value in key.items()},
        UpdateExpression="SET #name = :text", ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":text": {"S": text}},
    )  # fmt: skip


def make_intake_bucket(aws: Aws, stage: Stage) -> None:
    aws.s3.create_bucket(Bucket=stage.intake_bucket)
    aws.s3.put_bucket_versioning(Bucket=stage.intake_bucket, VersioningConfiguration={"Status": "Enabled"})


def _index(name: str, partition: str, sort: str = "") -> dict[str, object]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}

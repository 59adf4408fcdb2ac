"""AWS for unit tests: moto's tables and buckets, shaped as the stack makes them."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests import builders
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits


@pytest.fixture
def stage() -> Stage:
    return builders.stage()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Aws(boto3.Session(region_name="us-west-2"))


@pytest.fixture
def registry(aws: Aws, stage: Stage) -> Registry:
    aws.dynamodb.create_table(
        TableName=stage.registry_table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi_pk", "gsi_sk")
        ],
        GlobalSecondaryIndexes=[_index("by_time", "gsi_pk", "gsi_sk")],
    )
    return Registry(aws.dynamodb, stage.registry_table)


@pytest.fixture
def waits(aws: Aws, stage: Stage) -> Waits:
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
    return Waits(aws.dynamodb, stage.waits_table)


@pytest.fixture
def intake(aws: Aws, stage: Stage) -> str:
    aws.s3.create_bucket(
        Bucket=stage.intake_bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    aws.s3.put_bucket_versioning(Bucket=stage.intake_bucket, VersioningConfiguration={"Status": "Enabled"})
    return stage.intake_bucket


def _index(name: str, partition: str, sort: str = "") -> dict[str, object]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    if sort:
        keys.append({"AttributeName": sort, "KeyType": "RANGE"})
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}

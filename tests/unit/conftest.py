"""AWS for unit tests: moto's tables and buckets, shaped as the stack makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests import builders
from tests.unit.tables import make_intake_bucket, make_registry_table, make_waits_table
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

if TYPE_CHECKING:
    from tests.unit.local_sagemaker import LocalAccount


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The models' tests, which take longest, begin first: nobody waits for the last of them."""
    items.sort(key=lambda item: item.name != "runTest")


@pytest.fixture
def stage() -> Stage:
    return builders.stage()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Aws(boto3.Session(region_name="us-east-1"))


@pytest.fixture
def registry(aws: Aws, stage: Stage) -> Registry:
    make_registry_table(aws, stage)
    return Registry(aws.dynamodb, stage.registry_table)


@pytest.fixture
def waits(aws: Aws, stage: Stage) -> Waits:
    make_waits_table(aws, stage)
    return Waits(aws.dynamodb, stage.waits_table)


@pytest.fixture
def intake(aws: Aws, stage: Stage) -> str:
    make_intake_bucket(aws, stage)
    return stage.intake_bucket


@pytest.fixture
def region() -> str:
    """Of the account; a test of what another Region has sets its own."""
    return "us-east-1"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str) -> Iterator[LocalAccount]:
    """The embedded SageMaker and Bedrock; every call and answer is valid by botocore's models."""
    from tests.unit.local_sagemaker import LocalAccount  # imports the embedded services, for few tests

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        account = LocalAccount(tmp_path, monkeypatch, region)
        yield account
        account.finish()
        assert account.violations == []

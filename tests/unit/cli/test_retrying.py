"""`retry --test`: where held-out records go, and for which runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests import builders
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed
from tunedrop.contracts import S3Object
from tunedrop.registry import Registry

RUN = builders.run().run_id


@pytest.fixture
def more(tmp_path: Path) -> Path:
    path = tmp_path / "more.jsonl"
    path.write_text("{}\n")
    return path


def retry(more: Path) -> tuple[int, str]:
    where = ["--stage", "test", "--region", "us-east-1"]
    result = CliRunner().invoke(app, ["retry", RUN, "--test", str(more), "--yes", *where])
    return result.exit_code, result.stderr


def inconclusive(registry: Registry) -> None:
    evaluation = builders.evaluation(verdict="inconclusive")
    registry.save(RUN, dataset=builders.dataset(), job=builders.job(), evaluation=evaluation)
    registry.end(RUN, "inconclusive", None)


def keys(aws: Aws, bucket: str) -> list[str]:
    return [item["Key"] for item in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_records_go_beside_the_retry_of_a_run_whose_own_were_split_off(
    aws: Aws, deployed: Deployed, registry: Registry, intake: str, more: Path
) -> None:
    inconclusive(registry)

    assert retry(more) == (0, f"uploaded  s3://{intake}/runs/{RUN}/test.jsonl\n")
    assert keys(aws, intake) == [f"runs/{RUN}/retry/1", f"runs/{RUN}/test.jsonl"]


def test_records_take_the_place_of_a_test_file_that_the_manifest_names(
    aws: Aws, deployed: Deployed, registry: Registry, intake: str, more: Path
) -> None:
    registry.end(RUN, "failed", None)
    named = S3Object(bucket=intake, key="runs/persona/held.jsonl", version_id="v1")
    registry.reopen(builders.run(test=named, attempt=2))
    inconclusive(registry)

    assert retry(more)[0] == 0
    assert keys(aws, intake) == [f"runs/{RUN}/retry/2", "runs/persona/held.jsonl"]


def test_a_test_file_in_a_bucket_of_the_users_own_is_left_alone(
    aws: Aws, deployed: Deployed, registry: Registry, intake: str, more: Path
) -> None:
    registry.end(RUN, "failed", None)
    named = S3Object(bucket="lake", key="held.jsonl", version_id="v1")
    registry.reopen(builders.run(test=named, attempt=2))
    inconclusive(registry)

    code, said = retry(more)

    assert code == 1
    assert "Put the records there and retry without --test" in said
    assert keys(aws, intake) == []


def test_a_run_that_failed_goes_on_with_the_test_set_that_it_has(
    aws: Aws, deployed: Deployed, registry: Registry, intake: str, more: Path
) -> None:
    registry.end(RUN, "failed", None)

    code, said = retry(more)

    assert code == 1
    assert "uses its existing test set" in said
    assert keys(aws, intake) == []

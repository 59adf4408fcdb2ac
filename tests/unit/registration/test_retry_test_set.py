from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.contracts import S3Object
from tunedrop.registration import retry_test_set
from tunedrop.stage import Stage


def put(aws: Aws, key: str) -> S3Object:
    answer = aws.s3.put_object(Bucket="intake", Key=key, Body=b"{}")
    return S3Object(bucket="intake", key=key, version_id=answer["VersionId"])


@pytest.fixture(autouse=True)
def _intake(intake: str) -> None:
    """Every test here has an intake bucket."""


def test_the_test_file_counts_in_its_latest_version(aws: Aws, stage: Stage) -> None:
    run = builders.run(test=put(aws, "runs/persona/held.jsonl"))
    latest = put(aws, "runs/persona/held.jsonl")
    put(aws, "runs/persona/test.jsonl")  # nobody named it

    assert retry_test_set.as_it_is_now(aws.s3, run) == msgspec.structs.replace(run, test=latest)


def test_each_of_several_test_files_counts_in_its_latest_version(aws: Aws, stage: Stage) -> None:
    first, second, gone = (put(aws, f"runs/persona/held-{number}.jsonl") for number in range(3))
    run = builders.run(test=msgspec.structs.replace(first, more=(second, gone)))
    latest = put(aws, second.key)
    aws.s3.delete_object(Bucket="intake", Key=gone.key)

    test = retry_test_set.as_it_is_now(aws.s3, run).test

    assert test is not None
    assert test.objects == (first, latest, gone)


def test_a_file_in_the_runs_folder_adds_to_what_was_split_off(aws: Aws, stage: Stage) -> None:
    more = put(aws, "runs/persona-0123456789/test.jsonl")

    run = retry_test_set.as_it_is_now(aws.s3, builders.run())

    assert (run.test, run.more_test) == (None, more)


def test_a_test_set_that_nobody_has_touched_stays(aws: Aws, stage: Stage) -> None:
    gone = builders.run(test=S3Object(bucket="intake", key="runs/persona/held.jsonl", version_id="v1"))

    assert retry_test_set.as_it_is_now(aws.s3, gone) == gone
    assert retry_test_set.as_it_is_now(aws.s3, builders.run()) == builders.run()

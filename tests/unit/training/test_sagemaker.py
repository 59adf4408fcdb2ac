"""What the engines share that start SageMaker's training jobs."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
from botocore.stub import Stubber

from tests import builders
from tunedrop.aws import Aws
from tunedrop.training import sagemaker

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/"


def test_the_tags_of_jobs_that_only_contain_the_name_are_not_read() -> None:
    """NameContains finds them, and a role that may read the tags of its own names alone is refused."""
    client = boto3.client("sagemaker", region_name="us-east-1")
    listed = [
        {
            "TrainingJobName": name, "TrainingJobArn": ARN + name, "CreationTime": MOMENT,
            "TrainingJobStatus": "InProgress",
        }
        for name in ("my-tunedrop-test-job", "tunedrop-test-job")
    ]  # fmt: skip
    tags = [{"Key": "tunedrop:stage", "Value": "test"}, {"Key": "tunedrop:run", "Value": "mine"}]
    with Stubber(client) as stubber:
        stubber.add_response("list_training_jobs", {"TrainingJobSummaries": listed})
        stubber.add_response("list_tags", {"Tags": tags}, {"ResourceArn": f"{ARN}tunedrop-test-job"})

        found = list(sagemaker.jobs_of(client, builders.stage(), "tunedrop-test-", "InProgress"))

    assert [(one.name, one.run_id) for one in found] == [("tunedrop-test-job", "mine")]


def test_files_of_a_bucket_that_has_gone_with_its_stage_are_nothing_to_delete(aws: Aws) -> None:
    assert not sagemaker.delete_files(aws.s3, "s3://a-bucket-that-is-gone/runs/")

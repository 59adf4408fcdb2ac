"""What the engines share that start SageMaker's training jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.errors import ThroughputFailed, TransientError
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


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ({"tunedrop:stage": "test", "tunedrop:run": "mine"}, ["mine"]),
        ({"tunedrop:stage": "test"}, [""]),  # nobody's run, and the stage's all the same
        ({"tunedrop:stage": "prod", "tunedrop:run": "theirs"}, []),
        ({"tunedrop:run": "theirs"}, []),
        ({}, []),
    ],
)
def test_jobs_are_the_stages_by_their_tag(tags: dict[str, str], ours: list[str]) -> None:
    client = boto3.client("sagemaker", region_name="us-east-1")
    listed = {
        "TrainingJobName": "tunedrop-test-job", "TrainingJobArn": f"{ARN}tunedrop-test-job",
        "CreationTime": MOMENT, "TrainingJobStatus": "Stopping",
    }  # fmt: skip
    asked = {"NameContains": "tunedrop-test-", "StatusEquals": "Stopping"}
    with Stubber(client) as stubber:
        stubber.add_response("list_training_jobs", {"TrainingJobSummaries": [listed]}, asked)
        stubber.add_response("list_tags", {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]})

        found = list(sagemaker.jobs_of(client, builders.stage(), "tunedrop-test-", "Stopping"))

    assert [one.run_id for one in found] == ours
    assert all((one.status, one.created_at) == ("Stopping", "2026-11-01T00:00:00Z") for one in found)


# --- files


def test_files_of_a_bucket_that_has_gone_with_its_stage_are_nothing_to_delete(aws: Aws) -> None:
    assert not sagemaker.delete_files(aws.s3, "s3://a-bucket-that-is-gone/runs/")


def test_files_are_deleted_with_all_their_versions_and_markers_and_no_others(aws: Aws) -> None:
    """Storage bills a version until it is deleted, and a bucket with a marker cannot be deleted."""
    bucket = {"Bucket": "artifacts"}
    aws.s3.create_bucket(**bucket)
    aws.s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("runs/a/one", "runs/a/one", "runs/a/two", "runs/ab/three"):
        aws.s3.put_object(**bucket, Key=key, Body=b"x")
    aws.s3.delete_object(**bucket, Key="runs/a/two")

    assert sagemaker.delete_files(aws.s3, "s3://artifacts/runs/a/")
    assert not sagemaker.delete_files(aws.s3, "s3://artifacts/runs/a/")

    left = aws.s3.list_object_versions(**bucket)
    assert [one["Key"] for one in left["Versions"]] == ["runs/ab/three"]
    assert "DeleteMarkers" not in left


ONE_FILE = {"Versions": [{"Key": "runs/a/one", "VersionId": "1"}]}


@pytest.mark.parametrize(
    ("listed", "deleted", "error"),
    [
        (ONE_FILE, {"Errors": [{"Key": "runs/a/one", "Message": "Access Denied"}]}, ThroughputFailed),
        (ONE_FILE, refusal("AccessDenied"), ThroughputFailed),
        (ONE_FILE, refusal("SlowDown", status=503), TransientError),
        (refusal("AccessDenied"), {}, ThroughputFailed),
        (refusal("ServiceUnavailable", status=503), {}, TransientError),
    ],
)
def test_files_that_are_not_deleted_are_no_success(listed: Any, deleted: Any, error: type[Exception]) -> None:
    s3 = FakeBedrock(list_object_versions=listed, delete_objects=deleted)

    with pytest.raises(error):
        sagemaker.delete_files(s3, "s3://artifacts/runs/a/")


# --- jobs


@pytest.mark.parametrize(
    ("status", "secondary", "more", "expected"),
    [
        ("InProgress", "Starting", {}, ("InProgress", "NotStarted", "")),
        ("InProgress", "Pending", {}, ("InProgress", "NotStarted", "")),
        ("InProgress", "Training", {}, ("InProgress", "Training", "")),
        (
            "InProgress",
            "Training",
            {"ProgressInfo": {"CurrentEpoch": 0, "MaxEpoch": 3}},
            ("InProgress", "Training, epoch 0 of 3", ""),
        ),
        ("Stopping", "Stopping", {}, ("Stopping", "Stopping", "")),
        ("Stopped", "Stopped", {}, ("Stopped", "Stopped", "")),
        ("Stopped", "Pending", {}, ("Stopped", "Pending", "")),  # over, though it never began
        ("Failed", "Failed", {"FailureReason": "no"}, ("Failed", "Failed", "no")),
        (
            "Stopped",
            "MaxRuntimeExceeded",
            {"StoppingCondition": {"MaxRuntimeInSeconds": 7200}},
            ("Failed", "MaxRuntimeExceeded", "it was stopped at its run-time limit of 2 hours"),
        ),
        (
            "Stopped",
            "MaxRuntimeExceeded",
            {"FailureReason": "late"},
            ("Failed", "MaxRuntimeExceeded", "it was stopped at its run-time limit of 24 hours; late"),
        ),
        ("Completed", "Completed", {}, ("Completed", "Completed", "")),
    ],
)
def test_how_a_job_stands_is_what_sagemaker_says_of_it(
    status: str, secondary: str, more: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    answer = {"TrainingJobArn": f"{ARN}a", "TrainingJobName": "a", "TrainingJobStatus": status}

    job = sagemaker.job(answer | {"SecondaryStatus": secondary} | more)

    assert (job.status, job.phases["training"], job.failure) == expected
    assert job.has_not_started == (expected[1] == "NotStarted")


def test_the_time_of_a_job_is_that_of_its_training() -> None:
    answer = {
        "TrainingJobArn": f"{ARN}a", "TrainingJobName": "a", "TrainingJobStatus": "Completed",
        "CreationTime": MOMENT,
    }  # fmt: skip
    times = {"TrainingStartTime": MOMENT.replace(hour=1), "TrainingEndTime": MOMENT.replace(hour=2)}

    before, after = sagemaker.job(answer), sagemaker.job(answer | times)

    assert (before.started_at, before.ended_at) == ("2026-11-01T00:00:00Z", "")
    assert (after.started_at, after.ended_at) == ("2026-11-01T01:00:00Z", "2026-11-01T02:00:00Z")


@pytest.mark.parametrize(
    ("answer", "stopped"),
    [
        ({}, True),
        (refusal("ResourceNotFound"), False),
        (refusal("ValidationException", "Requested resource not found."), False),
        (refusal("ValidationException", "The request was rejected because the job has ended."), False),
        (refusal("ThrottlingException", status=429), None),
        (refusal("AccessDeniedException"), None),
    ],
)
def test_a_job_is_stopped_unless_it_has_ended(answer: Any, stopped: bool | None) -> None:
    client = FakeBedrock(stop_training_job=answer)
    if stopped is None:
        with pytest.raises(ClientError):
            sagemaker.stop(client, f"{ARN}a-job")
    else:
        assert sagemaker.stop(client, f"{ARN}a-job") is stopped
    assert client.called("stop_training_job") == [{"TrainingJobName": "a-job"}]


@pytest.mark.parametrize(
    ("code", "message", "missing"),
    [
        ("ResourceNotFound", "", True),
        ("ResourceNotFoundException", "", True),
        ("ValidationException", "Requested resource not found.", True),
        ("ValidationException", "ModelPackageGroup arn:… does not exist.", True),
        ("ValidationException", "Could not find training job", True),
        ("ValidationException", "1 validation error detected", False),
        ("AccessDeniedException", "the role was not found", False),
    ],
)
def test_what_is_missing_is_said_in_many_ways(code: str, message: str, missing: bool) -> None:
    assert sagemaker.is_missing(refusal(code, message)) is missing


def test_jobs_that_run_or_are_being_stopped_hold_a_slot() -> None:
    client = FakeBedrock(
        list_training_jobs=[{"TrainingJobSummaries": [{}] * 2}, {"TrainingJobSummaries": [{}]}]
    )

    assert sagemaker.count_in_progress(client) == 3
    assert client.called("list_training_jobs") == [
        {"StatusEquals": "InProgress"},
        {"StatusEquals": "Stopping"},
    ]


# --- what is looked at before


@pytest.mark.parametrize(
    ("training", "imports", "passed"), [("t", "i", True), ("t", "", False), ("", "i", False), ("", "", False)]
)
def test_a_stage_needs_both_roles(training: str, imports: str, passed: bool) -> None:
    theirs = {"sagemaker-jumpstart": "t"} | ({"sagemaker-serverless": training} if training else {})
    stage = builders.stage(training_role_arns=theirs, import_role_arn=imports)

    assert sagemaker.roles(stage, "sagemaker-serverless").passed is passed


@pytest.mark.parametrize(
    ("architecture", "passed"), [("Qwen3ForCausalLM", True), ("GemmaForCausalLM", False), ("", False)]
)
def test_a_base_model_needs_an_architecture_that_bedrock_imports(architecture: str, passed: bool) -> None:
    base_model = msgspec.structs.replace(catalog.find("qwen.qwen3-4b"), architecture=architecture)

    assert sagemaker.architecture(base_model).passed is passed

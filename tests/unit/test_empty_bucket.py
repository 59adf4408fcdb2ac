"""A bucket is emptied before CloudFormation deletes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from lambdas.empty_bucket import handler
from lambdas.empty_bucket.emptying import empty
from tunedrop import naming
from tunedrop.aws import Aws


class Answers(BaseHTTPRequestHandler):
    got: list[dict[str, Any]]

    def do_PUT(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    Answers.got = []
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", Answers.got
        server.shutdown()


@pytest.fixture
def bucket(aws: Aws) -> str:
    aws.s3.create_bucket(Bucket="going")
    goes = [{"Key": naming.REMOVAL_TAG, "Value": "destroy"}]
    aws.s3.put_bucket_tagging(Bucket="going", Tagging={"TagSet": goes})
    aws.s3.put_bucket_versioning(Bucket="going", VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        aws.s3.put_object(Bucket="going", Key="twice", Body=str(number).encode())
        aws.s3.put_object(Bucket="going", Key=f"Übung {number}+&.jsonl", Body=b"x")
    aws.s3.delete_object(Bucket="going", Key="twice")
    return "going"


def test_every_version_and_delete_marker_goes_and_the_bucket_can_be_deleted(aws: Aws, bucket: str) -> None:
    assert empty(aws.s3, bucket) == 7

    aws.s3.delete_bucket(Bucket=bucket)


def test_nothing_new_is_taken_while_it_is_emptied(aws: Aws, bucket: str) -> None:
    empty(aws.s3, bucket)

    policy = json.loads(aws.s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert [(one["Effect"], one["Action"]) for one in policy["Statement"]] == [("Deny", "s3:PutObject")]


@pytest.mark.parametrize("tags", [[], [{"Key": naming.STAGE_TAG, "Value": "dev"}]])
def test_a_bucket_whose_stage_keeps_its_data_by_now_is_left_alone(
    aws: Aws, bucket: str, tags: list[dict[str, str]]
) -> None:
    """CloudFormation deletes the custom resource when `removal` changes to `retain`, and the bucket stays:
    CDK documents what happened to its users' objects before 1.126.0 (`aws_s3.Bucket`, auto_delete_objects).
    """
    aws.s3.delete_bucket_tagging(Bucket=bucket)
    if tags:
        aws.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})

    assert empty(aws.s3, bucket) == 0

    assert len(aws.s3.list_object_versions(Bucket=bucket)["Versions"]) == 6
    aws.s3.put_object(Bucket=bucket, Key="new", Body=b"x")
    with pytest.raises(aws.s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        aws.s3.get_bucket_policy(Bucket=bucket)


def test_a_bucket_that_is_gone_is_empty(aws: Aws) -> None:
    assert empty(aws.s3, "never-there") == 0


@pytest.mark.parametrize(
    ("kind", "bucket_name", "status"),
    [("Create", "never-there", "SUCCESS"), ("Delete", "never-there", "SUCCESS"), ("Delete", "", "FAILED")],
)
def test_cloudformation_always_gets_an_answer(
    aws: Aws, cloudformation: Any, monkeypatch: pytest.MonkeyPatch, kind: str, bucket_name: str, status: str
) -> None:
    url, got = cloudformation
    monkeypatch.setattr(handler, "services", lambda: type("Services", (), {"aws": aws}))
    ids = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
    event = {
        "RequestType": kind,
        "ResponseURL": url,
        "ResourceProperties": {"BucketName": bucket_name},
        **ids,
    }

    handler.handler.__wrapped__.__wrapped__(event, None)

    (answer,) = got
    assert answer["Status"] == status
    assert answer.items() >= ids.items()
    assert answer["PhysicalResourceId"] == f"emptied-{bucket_name}"
    assert bool(answer["Reason"]) == (status == "FAILED")

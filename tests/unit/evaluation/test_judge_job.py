"""Bedrock's evaluation jobs: one a model, made once, waited for, and their ratings matched to the pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop.contracts import JudgeSettings
from tunedrop.dataset.records import HeldOut, Message
from tunedrop.evaluation import judge_job
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.evaluate import Prediction

ARN = "arn:aws:bedrock:us-west-2:111122223333:evaluation-job/abcdefghij12"
NONE_YET: dict[str, Any] = {"jobSummaries": []}


class Jobs(FakeBedrock):
    """Lists the jobs that have been made; each stands as the test says."""

    def __init__(self, status: str = "InProgress", **more: Any) -> None:
        super().__init__(
            create_evaluation_job={"jobArn": ARN},
            get_evaluation_job={"jobArn": ARN, "status": status, **more},
        )

    def list_evaluation_jobs(self, **asked: Any) -> dict[str, Any]:
        names = [call["jobName"] for call in self.called("create_evaluation_job")]
        return {
            "jobSummaries": [
                {"jobName": name, "jobArn": ARN} for name in names if asked["nameContains"] in name
            ]
        }


class FakeAws:
    def __init__(self, bedrock: FakeBedrock) -> None:
        self.s3 = boto3.client("s3", "us-west-2")
        self.bedrock = bedrock


@pytest.fixture
def aws() -> Iterator[Any]:
    with mock_aws():
        fake = FakeAws(Jobs())
        fake.s3.create_bucket(
            Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
        )
        yield fake


ORDER = judge_job.Order(
    stage=builders.stage(evaluation_role_arn="arn:aws:iam::111122223333:role/evaluation"),
    run=builders.run(),
    serving=builders.serving(),
    judge=JudgeSettings(model="amazon.nova-pro-v1:0", via="evaluation-job"),
)
QUESTIONS = [
    HeldOut(
        record=number,
        turn=0,
        system="Be kind.",
        messages=(Message("user", f"what is {number}?"),),
        reference="it",
    )
    for number in range(1, 5)
]
PREDICTIONS = [
    Prediction(
        record=number,
        turn=0,
        prompt=f"what is {number}?",
        reference="it",
        base=Answer(text="base", error="throttled" if number == 4 else ""),
        tuned=Answer(text="tuned"),
    )
    for number in range(1, 5)
]


def judged(aws: Any) -> tuple[str, list[Prediction]]:
    return judge_job.judge(aws, ORDER, QUESTIONS, PREDICTIONS)


def rate(aws: Any, which: str, ratings: list[float | None]) -> None:
    """What Bedrock writes, in another order than it was asked."""
    call = next(one for one in aws.bedrock.called("create_evaluation_job") if f"-{which}-" in one["jobName"])
    uri = call["evaluationConfig"]["automated"]["datasetMetricConfigs"][0]["dataset"]["datasetLocation"][
        "s3Uri"
    ]
    records = [
        json.loads(line) for line in aws.s3.get_object(Bucket="artifacts", Key=uri[15:])["Body"].iter_lines()
    ]
    lines = [
        {
            "automatedEvaluationResult": {"scores": [{"metricName": judge_job.METRIC, "result": rating}]},
            "inputRecord": record,
        }
        for record, rating in zip(records, ratings, strict=True)
    ]
    prefix = call["outputDataConfig"]["s3Uri"].removeprefix("s3://artifacts/")
    key = f"{prefix}{call['jobName']}/1234/models/{which}/taskTypes/x/datasets/heldout/5678_output.jsonl"
    aws.s3.put_object(Bucket="artifacts", Key=key, Body="\n".join(map(json.dumps, reversed(lines))).encode())


def test_a_job_a_model_is_made_once_and_waited_for(aws: Any) -> None:
    first, _ = judged(aws)
    second, kept = judged(aws)

    made = aws.bedrock.called("create_evaluation_job")
    assert (first, second) == (ARN, ARN)
    assert kept == PREDICTIONS
    assert [one["inferenceConfig"]["models"][0]["precomputedInferenceSource"] for one in made] == [
        {"inferenceSourceIdentifier": "base"},
        {"inferenceSourceIdentifier": "tuned"},
    ]


def test_the_requests_are_what_bedrocks_api_takes(aws: Any) -> None:
    judged(aws)

    client = boto3.client("bedrock", "us-west-2")
    for request in aws.bedrock.called("create_evaluation_job"):
        with Stubber(client) as stub:
            stub.add_response("create_evaluation_job", {"jobArn": ARN}, request)
            client.create_evaluation_job(**request)
        assert len(request["jobName"]) <= 63
        assert request["jobName"] == request["jobName"].lower()


def test_only_pairs_that_both_have_answered_are_rated(aws: Any) -> None:
    judged(aws)

    listed = aws.s3.list_objects_v2(Bucket="artifacts")["Contents"]
    bodies = [aws.s3.get_object(Bucket="artifacts", Key=one["Key"])["Body"].read() for one in listed]
    assert [body.count(b"\n") for body in bodies] == [3, 3]
    assert b"Be kind." in bodies[0]


def test_the_higher_rating_wins_and_one_without_a_rating_has_failed(aws: Any) -> None:
    judged(aws)
    aws.bedrock._answers["get_evaluation_job"] = [{"status": "Completed"}]
    rate(aws, "base", [0.0, 0.5, 1.0])
    rate(aws, "tuned", [1.0, 0.5, None])

    waited_for, found = judged(aws)

    judgements = [one.judgement for one in found]
    assert waited_for == ""
    assert [one.better for one in judgements[:2] if one is not None] == ["tuned", "tie"]
    assert judgements[2] is not None
    assert "rated only one" in judgements[2].error
    assert judgements[3] is None


def test_a_job_that_failed_leaves_every_pair_unjudged_and_says_why(aws: Any) -> None:
    aws.bedrock = Jobs("Failed", failureMessages=["no access to the judge"])
    judged(aws)

    waited_for, found = judged(aws)

    assert waited_for == ""
    assert all(one.judgement and "no access to the judge" in one.judgement.error for one in found[:3])

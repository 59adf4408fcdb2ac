"""Bedrock's evaluation jobs: one a contender, made once, waited for, their ratings matched to the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import Stubber

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.aws import Aws
from tunedrop.contracts import EvaluationSettings, JudgeSettings
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import TransientError
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.evaluation.judging.ratings import Rater

STAGE = builders.stage(evaluation_role_arn="arn:aws:iam::111122223333:role/evaluation")
JUDGE = JudgeSettings(model="amazon.nova-pro-v1:0", via="evaluation-job")
RUN = builders.run(evaluation=EvaluationSettings(metric="judge", judge=JUDGE))
ARN = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefghij"


class Jobs(FakeBedrock):
    """Makes jobs and lists those that it has made; each stands as the test says."""

    def __init__(self, **stands: str) -> None:
        super().__init__()
        self.made: list[dict[str, Any]] = []
        self.stands = stands
        self.stopped: list[str] = []

    def create_evaluation_job(self, **asked: Any) -> dict[str, Any]:
        self.made.append(asked)
        return {"jobArn": f"{ARN}{len(self.made):02}"}

    def _next(self, operation: str) -> dict[str, Any]:
        assert operation == "list_evaluation_jobs"
        summaries = [
            {"jobName": one["jobName"], "jobArn": f"{ARN}{number:02}"}
            for number, one in enumerate(self.made, start=1)
        ]
        return {"jobSummaries": summaries}

    def get_evaluation_job(self, jobIdentifier: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        whose = self.made[int(jobIdentifier[-2:]) - 1]["jobName"].split("-")[1]
        status, _, why = self.stands.get(whose, "InProgress").partition(": ")
        return {"jobArn": jobIdentifier, "status": status, "failureMessages": [why] if why else []}

    def stop_evaluation_job(self, jobIdentifier: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self.stopped.append(jobIdentifier)
        return {}


@pytest.fixture
def jobs(aws: Aws) -> Jobs:
    aws.s3.create_bucket(Bucket=STAGE.artifacts_bucket)
    aws.bedrock = Jobs()
    return aws.bedrock


def question(number: int) -> HeldOut:
    return HeldOut(
        record=number,
        turn=0,
        system="Be kind.",
        messages=(
            Message("user", "hello"),
            Message("assistant", "hi"),
            Message("user", f"what is {number}?"),
        ),
        reference="it",
    )


def prediction(number: int, base: str = "base", tuned: str = "tuned", **more: Any) -> Prediction:
    return Prediction(
        record=number,
        turn=0,
        prompt=f"what is {number}?",
        reference="it",
        base=Answer(text=base),
        tuned=Answer(text=tuned),
        **more,
    )


QUESTIONS = [question(number) for number in range(1, 4)]
PREDICTIONS = [prediction(number) for number in range(1, 4)]


def rated(
    aws: Aws, predictions: list[Prediction] | None = None, judge: JudgeSettings = JUDGE
) -> tuple[str, list[Prediction]]:
    rater = Rater(aws, STAGE, RUN, judge)
    return rater.rate(QUESTIONS, predictions or PREDICTIONS)


def written(aws: Aws, whose: str) -> list[dict[str, Any]]:
    """What the job of one contender is to rate."""
    key = f"runs/persona-0123456789/judging/tunedrop-{whose}-persona-0123456789-1.jsonl"
    body = aws.s3.get_object(Bucket=STAGE.artifacts_bucket, Key=key)["Body"]
    return [json.loads(line) for line in body.iter_lines()]


def say(
    aws: Aws,
    whose: str,
    ratings: list[float | None],
    metric: str = judge_jobs.CORRECTNESS,
    more: bytes = b"",
) -> None:
    """What Bedrock writes, in another order than it was asked, after `more` lines."""
    name = f"tunedrop-{whose}-persona-0123456789-1"
    lines = [
        {
            "automatedEvaluationResult": {
                "scores": [
                    {
                        "metricName": metric,
                        "result": rating,
                        "evaluatorDetails": [{"modelIdentifier": "judge", "explanation": f"{whose} said it"}],
                    }
                ]
            },
            "inputRecord": record,
        }
        for record, rating in zip(written(aws, whose), ratings, strict=True)
    ]
    key = (
        f"runs/persona-0123456789/judging/{name}/1234/models/{whose}/taskTypes/General/datasets/x/"
        "5678_output.jsonl"
    )
    body = "\n".join(map(json.dumps, reversed(lines))).encode()
    aws.s3.put_object(Bucket=STAGE.artifacts_bucket, Key=key, Body=more + body)


def test_a_job_a_contender_is_made_once_and_waited_for(aws: Aws, jobs: Jobs) -> None:
    first, _ = rated(aws)
    second, kept = rated(aws)

    assert (first, second) == (f"{ARN}01", f"{ARN}01")
    assert kept == PREDICTIONS
    sources = [one["inferenceConfig"]["models"][0]["precomputedInferenceSource"] for one in jobs.made]
    assert sources == [{"inferenceSourceIdentifier": "base"}, {"inferenceSourceIdentifier": "tuned"}]


@pytest.mark.parametrize("rubric", ["", "Be brief. {not a field}"])
def test_the_requests_are_what_bedrocks_api_takes(aws: Aws, jobs: Jobs, rubric: str) -> None:
    rated(aws, judge=msgspec.structs.replace(JUDGE, rubric=rubric))

    client = boto3.client("bedrock", "us-east-1")
    for request in jobs.made:
        with Stubber(client) as stub:
            stub.add_response("create_evaluation_job", {"jobArn": f"{ARN}01"}, request)
            client.create_evaluation_job(**request)
        assert len(request["jobName"]) <= 63
        assert request["jobName"] == request["jobName"].lower()


def test_a_rubric_becomes_a_metric_of_its_own_within_bedrocks_limits(aws: Aws, jobs: Jobs) -> None:
    rated(aws, judge=msgspec.structs.replace(JUDGE, rubric="x" * 4_000))

    automated = jobs.made[0]["evaluationConfig"]["automated"]
    (metric,) = [one["customMetricDefinition"] for one in automated["customMetricConfig"]["customMetrics"]]
    assert len(metric["instructions"]) <= 5_000
    assert metric["instructions"].endswith("Response: {{prediction}}")
    assert "{{ground_truth}}" in metric["instructions"]
    assert automated["datasetMetricConfigs"][0]["metricNames"] == [metric["name"]]
    assert all(len(one["definition"].split()) <= 5 for one in metric["ratingScale"])
    assert "evaluatorModelConfig" not in automated


def test_what_is_rated_is_the_whole_conversation_with_one_answer(aws: Aws, jobs: Jobs) -> None:
    rated(aws)

    first, *_ = written(aws, "tuned")
    assert first == {
        "prompt": "Be kind.\nuser: hello\nassistant: hi\nuser: what is 1?",
        "referenceResponse": "it",
        "modelResponses": [{"response": "tuned", "modelIdentifier": "tuned"}],
    }


def test_blank_texts_are_not_sent_and_a_blank_answer_is_rated_lowest(aws: Aws, jobs: Jobs) -> None:
    """For one of them the service refuses the whole dataset."""
    predictions = [
        prediction(1, base=" "),
        msgspec.structs.replace(prediction(2), reference=""),
        prediction(3),
    ]
    rated(aws, predictions)
    jobs.stands = {"base": "Completed", "tuned": "Completed"}
    say(aws, "base", [0.5, 0.5])
    say(aws, "tuned", [1.0, 1.0, 1.0])

    _, found = rated(aws, predictions)

    assert "referenceResponse" not in written(aws, "base")[0]
    assert found[0].judgement is not None
    assert found[0].judgement.ratings == {"base": 0.0, "tuned": 1.0}


def test_only_prompts_that_both_have_answered_are_rated_and_no_probes(aws: Aws, jobs: Jobs) -> None:
    failed = msgspec.structs.replace(prediction(1), base=Answer(error="throttled"))
    probe = msgspec.structs.replace(prediction(2), probe="sum")

    rated(aws, [failed, probe, prediction(3)])

    assert [one["prompt"].rpartition("\n")[2] for one in written(aws, "tuned")] == ["user: what is 3?"]


def test_the_higher_rating_wins_and_an_answer_without_one_has_failed(aws: Aws, jobs: Jobs) -> None:
    rated(aws)
    jobs.stands = {"base": "Completed", "tuned": "Completed"}
    say(aws, "base", [0.0, 0.5, 1.0])
    say(aws, "tuned", [1.0, 0.5, None])

    waited_for, found = rated(aws)

    judgements = [one.judgement for one in found if one.judgement is not None]
    assert waited_for == ""
    assert [one.better for one in judgements[:2]] == ["tuned", "tie"]
    assert judgements[0].reasons == ("base: base said it", "tuned: tuned said it")
    assert judgements[0].input_tokens > 0
    assert judgements[2].error == "the judge gave no rating of the answer of tuned"


ODD = b"""
nothing
[]
{}
{"inputRecord": {"prompt": 1}, "automatedEvaluationResult": {}}
{"inputRecord": null, "automatedEvaluationResult": null}
\xff
"""


@pytest.mark.parametrize("beyond", [-0.5, 1.5, 10**400])
def test_lines_and_ratings_that_are_not_as_documented_leave_the_others_as_they_are(
    aws: Aws, jobs: Jobs, beyond: float
) -> None:
    """They come after the training was paid."""
    rated(aws)
    jobs.stands = {"base": "Completed", "tuned": "Completed"}
    say(aws, "base", [0.0, 0.5, 1.0], more=ODD)
    say(aws, "tuned", [1.0, 0.5, beyond], more=ODD)

    _, found = rated(aws)

    judgements = [one.judgement for one in found if one.judgement is not None]
    assert [one.better for one in judgements[:2]] == ["tuned", "tie"]
    assert judgements[2].error == "the judge gave no rating of the answer of tuned"


def test_answers_that_are_the_same_have_each_their_rating(aws: Aws, jobs: Jobs) -> None:
    questions = [QUESTIONS[0], msgspec.structs.replace(QUESTIONS[0], record=2)]
    predictions = [prediction(1), msgspec.structs.replace(prediction(1), record=2)]
    rater = Rater(aws, STAGE, RUN, JUDGE)
    rater.rate(questions, predictions)
    jobs.stands = {"base": "Completed", "tuned": "Completed"}
    say(aws, "base", [0.0, 0.0])
    say(aws, "tuned", [1.0, 0.5])

    _, found = rater.rate(questions, predictions)

    assert sorted(one.judgement.ratings["tuned"] for one in found if one.judgement) == [0.5, 1.0]


def test_the_model_in_production_is_rated_too_and_may_fail_alone(aws: Aws, jobs: Jobs) -> None:
    predictions = [prediction(number, champion=Answer(text="champion")) for number in range(1, 4)]
    rated(aws, predictions)
    jobs.stands = {"base": "Completed", "tuned": "Completed", "champion": "Failed: no"}
    say(aws, "base", [0.0, 0.0, 0.0])
    say(aws, "tuned", [1.0, 1.0, 1.0])

    waited_for, found = rated(aws, predictions)

    assert len(jobs.made) == 3
    assert waited_for == ""
    assert all(one.judgement and set(one.judgement.ratings) == {"base", "tuned"} for one in found)


def test_the_model_in_production_is_not_rated_where_another_metric_decides(aws: Aws, jobs: Jobs) -> None:
    predictions = [prediction(number, champion=Answer(text="champion")) for number in range(1, 4)]
    run = builders.run(evaluation=EvaluationSettings(metric="token_f1", judge=JUDGE))

    Rater(aws, STAGE, run, JUDGE).rate(QUESTIONS, predictions)

    assert len(jobs.made) == 2


def test_a_job_that_failed_leaves_every_pair_unjudged_and_stops_the_other(aws: Aws, jobs: Jobs) -> None:
    rated(aws)
    jobs.stands = {"base": "Failed: no access to the judge"}

    waited_for, found = rated(aws)

    assert waited_for == ""
    assert jobs.stopped == [f"{ARN}02"]
    assert all(
        one.judgement is not None
        and one.judgement.error == "the evaluation job of the answers of base: no access to the judge"
        for one in found
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ServiceQuotaExceededException", "too many jobs at once"),
        ("ConflictException", "this name exists"),
        ("ThrottlingException", "slow down"),
        ("ValidationException", "Could not assume provided IAM role"),
    ],
)
def test_a_job_that_cannot_be_made_now_is_tried_later(aws: Aws, code: str, message: str) -> None:
    aws.s3.create_bucket(Bucket=STAGE.artifacts_bucket)
    aws.bedrock = FakeBedrock(
        list_evaluation_jobs={"jobSummaries": []}, create_evaluation_job=refusal(code, message)
    )

    with pytest.raises(TransientError):
        rated(aws)


def test_a_job_that_bedrock_refuses_is_one_that_failed(aws: Aws) -> None:
    aws.s3.create_bucket(Bucket=STAGE.artifacts_bucket)
    aws.bedrock = FakeBedrock(
        list_evaluation_jobs={"jobSummaries": []},
        create_evaluation_job=refusal("ValidationException", "this model is no evaluator"),
    )

    waited_for, found = rated(aws)

    assert waited_for == ""
    assert len(aws.bedrock.called("create_evaluation_job")) == 1
    assert all(one.judgement and "this model is no evaluator" in one.judgement.error for one in found)


def test_an_attempts_jobs_are_its_own() -> None:
    names: Mapping[int, str] = {
        attempt: judge_jobs.naming.evaluation_job("persona-0123456789", "base", attempt) for attempt in (1, 2)
    }

    assert names[1] != names[2]

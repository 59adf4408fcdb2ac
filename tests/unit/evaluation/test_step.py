"""evaluate_model around evaluation jobs: they are made of answers that are kept, and waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import EvaluationSettings, JudgeSettings
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.contenders import Contest
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.steps.evaluate_model import evaluate_model

ARN = "arn:aws:bedrock:us-west-2:111122223333:evaluation-job/abcdefghij12"
JUDGE = JudgeSettings(model="amazon.nova-pro-v1:0", via="evaluation-job")
PROMPTS = 12


class Asked(Contest, frozen=True, kw_only=True):
    """A contest whose models answer at once."""

    def questions(self, aws_: Aws) -> list[HeldOut]:
        return [
            HeldOut(record=number, turn=0, system="", messages=(Message("user", "q"),), reference="a b")
            for number in range(PROMPTS)
        ]

    def ask(
        self, aws_: Aws, questions: Sequence[HeldOut], per_minute: float, deadline: float
    ) -> Iterator[Prediction]:
        for one in questions:
            yield Prediction(
                record=one.record,
                turn=0,
                prompt="q",
                reference="a b",
                base=Answer(text="a"),
                tuned=Answer(text="a b"),
            )


@pytest.fixture
def contest(aws: Aws) -> Asked:
    stage = builders.stage()
    aws.s3.create_bucket(
        Bucket=stage.artifacts_bucket, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    aws.bedrock = FakeBedrock(
        list_evaluation_jobs={"jobSummaries": []}, create_evaluation_job={"jobArn": ARN}
    )
    run = builders.run(evaluation=EvaluationSettings(metric="judge", judge=JUDGE))
    return Asked(
        stage=stage,
        run=run,
        dataset=builders.dataset(),
        serving=builders.serving(),
        base_model=catalog.find(builders.LLAMA_3_3),
    )


def test_jobs_are_made_only_of_answers_that_a_retry_finds_again(aws: Any, contest: Asked) -> None:
    asked = evaluate_model(aws, contest, 0, deadline=0.0)

    assert (asked.done, asked.next_record, asked.judge_job_arn) == (False, PROMPTS, "")
    assert not aws.bedrock.called("create_evaluation_job")


def test_the_run_then_waits_for_a_job(aws: Any, contest: Asked) -> None:
    evaluate_model(aws, contest, 0, deadline=0.0)

    waiting = evaluate_model(aws, contest, PROMPTS, deadline=0.0)

    assert (waiting.done, waiting.judge_job_arn) == (False, ARN)
    assert len(aws.bedrock.called("create_evaluation_job")) == 2

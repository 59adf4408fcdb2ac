from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.contracts import (
    DeploymentSettings,
    Evaluation,
    EvaluationSettings,
    Failure,
    JudgeSettings,
    Serving,
    StartedJob,
    TrainingJob,
)
from tunedrop.results import release

STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")
FAILURE = Failure(error="EvaluationFailed", cause="no answer")
PROVISIONED = {"way": "provisioned", "arn": builders.PROVISIONED_ARN}


@pytest.mark.parametrize(
    ("serving", "keep_for", "verdict", "kept"),
    [
        ({}, None, "promote", True),
        ({}, 0, "promote", False),
        ({}, None, "reject", False),
        ({}, 7200, "undecided", False),
        (PROVISIONED, None, "promote", False),
        (PROVISIONED, 7200, "promote", True),
        (PROVISIONED, 7200, "reject", False),
    ],
)
def test_only_a_promoted_model_stays_and_only_if_asked_or_free_while_idle(
    serving: dict[str, Any], keep_for: int | None, verdict: Any, kept: bool
) -> None:
    run = builders.run(deployment=DeploymentSettings(keep_for_seconds=keep_for))

    keeps = release.keeps(run, builders.serving(**serving), builders.evaluation(verdict=verdict), None)

    assert keeps is kept


def test_a_failure_stops_the_job_and_ends_what_serves() -> None:
    bedrock = FakeBedrock(
        list_model_customization_jobs={"modelCustomizationJobSummaries": [{"jobArn": builders.JOB_ARN}]},
        stop_model_customization_job={},
        delete_custom_model_deployment={},
    )

    done = release.finish(bedrock, builders.run(), STARTED, builders.serving(), None, FAILURE)

    assert done.released == (builders.JOB_ARN, builders.DEPLOYMENT_ARN)
    assert done.kept == ()


def test_a_run_that_went_well_leaves_its_finished_job_alone() -> None:
    bedrock = FakeBedrock(delete_provisioned_model_throughput={})
    serving: Serving = builders.serving(**PROVISIONED)
    evaluation: Evaluation = builders.evaluation()

    done = release.finish(bedrock, builders.run(), STARTED, serving, evaluation, None)

    assert done.released == (builders.PROVISIONED_ARN,)
    assert not bedrock.called("stop_model_customization_job")


def series(*models: str, chosen: str) -> StartedJob:
    jobs = [
        TrainingJob(
            title=model,
            method="single-turn",
            hyperparameters={},
            status="trained",
            job=builders.job(model_arn=model),
            chosen=model == chosen,
        )
        for model in models
    ]
    return StartedJob(outcome="finished", job_arn=builders.JOB_ARN, series=tuple(jobs))


def test_models_that_were_not_chosen_are_deleted_when_the_run_ended_well() -> None:
    bedrock = FakeBedrock(delete_custom_model={})

    done = release.finish(bedrock, builders.run(), series("one", "two", chosen="two"), None, None, None)

    assert done.released == ("one",)
    assert bedrock.called("delete_custom_model") == [{"modelIdentifier": "one"}]


def test_a_run_may_keep_all_its_models() -> None:
    run = builders.run(keep_models=True)

    done = release.finish(FakeBedrock(), run, series("one", "two", chosen="two"), None, None, None)

    assert done.released == ()


def test_a_run_that_failed_keeps_its_models_for_a_retry_and_stops_every_job_it_has() -> None:
    others = [{"jobArn": "arn:one"}, {"jobArn": "arn:two"}]
    bedrock = FakeBedrock(
        list_model_customization_jobs={"modelCustomizationJobSummaries": others},
        stop_model_customization_job={},
    )
    started = series("one", "two", chosen="two")

    done = release.finish(bedrock, builders.run(), started, None, None, FAILURE)

    assert done.released == (builders.JOB_ARN, "arn:one", "arn:two")


def test_a_model_that_cannot_be_deleted_is_told() -> None:
    bedrock = FakeBedrock(delete_custom_model=refusal("ConflictException", "in use"))

    done = release.finish(bedrock, builders.run(), series("one", "two", chosen="two"), None, None, None)

    assert done.failed == ("one: Operation: ConflictException: in use",)


def test_a_failure_stops_the_jobs_that_judge() -> None:
    arn = "arn:aws:bedrock:us-west-2:111122223333:evaluation-job/abcdefghij12"
    bedrock = FakeBedrock(
        list_model_customization_jobs={"modelCustomizationJobSummaries": []},
        list_evaluation_jobs={"jobSummaries": [{"jobName": "tunedrop-base", "jobArn": arn}]},
        stop_evaluation_job=[{}, refusal("ConflictException")],
    )
    judge = JudgeSettings(model="judge", via="evaluation-job")
    run = builders.run(evaluation=EvaluationSettings(judge=judge))

    done = release.finish(bedrock, run, None, None, None, FAILURE)
    again = release.finish(bedrock, run, None, None, None, FAILURE)

    assert done.released == (arn,)
    assert again.released == ()
    assert bedrock.called("list_evaluation_jobs")[0] == {
        "nameContains": run.run_id, "statusEquals": "InProgress",
    }  # fmt: skip

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tunedrop.contracts import CompletedJob, Run, StartedJob, Teacher
from tunedrop.errors import CustomizationFailed, RunStopped, TransientError
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training.engine import outcome
from tunedrop.training.engines.bedrock import ENGINE, jobs
from tunedrop.training.job import QuotaFull

NAME = "tunedrop-test-persona-0123456789"


def start(bedrock: FakeBedrock, stage: Stage) -> StartedJob:
    run = builders.run()
    (planned,) = plan(run, builders.dataset())
    return jobs.start(bedrock, stage, run, planned, builders.LLAMA_3_3, NAME)


def finished(**changes: object) -> dict[str, object]:
    return {
        "jobArn": builders.JOB_ARN,
        "jobName": NAME,
        "status": "Completed",
        "outputModelArn": builders.MODEL_ARN,
        "outputDataConfig": {"s3Uri": "s3://artifacts/runs/persona-0123456789/training/"},
        **changes,
    }


def test_a_job_is_asked_for_in_bedrocks_own_words(stage: Stage) -> None:
    bedrock = FakeBedrock(create_model_customization_job={"jobArn": builders.JOB_ARN})

    started = start(bedrock, stage)

    (request,) = bedrock.called("create_model_customization_job")
    tags = [
        {"key": "tunedrop:stage", "value": "test"},
        {"key": "tunedrop:run", "value": "persona-0123456789"},
    ]
    assert started == StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name=NAME)
    assert request == {
        "jobName": NAME,
        "customModelName": NAME,
        "roleArn": stage.bedrock_role_arn,
        "clientRequestToken": request["clientRequestToken"],
        "baseModelIdentifier": builders.LLAMA_3_3,
        "customizationType": "FINE_TUNING",
        "customModelKmsKeyId": stage.key_arn,
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": "s3://artifacts/runs/persona-0123456789/dataset/train.jsonl"},
        "validationDataConfig": {
            "validators": [{"s3Uri": "s3://artifacts/runs/persona-0123456789/dataset/validation.jsonl"}]
        },
        "outputDataConfig": {"s3Uri": "s3://artifacts/runs/persona-0123456789/training/"},
        "hyperParameters": {"epochCount": "5", "batchSize": "1", "learningRate": "0.0001"},
    }


def test_a_dataset_without_validation_asks_for_none(stage: Stage) -> None:
    assert "validationDataConfig" not in request_of(stage, builders.run(), validation=None)


def test_each_job_of_a_search_has_its_own_name_token_and_hyperparameters_and_its_base(stage: Stage) -> None:
    values = builders.run().hyperparameters
    run = builders.run(candidates=(values, values | {"epochCount": "2"}))
    bedrock = FakeBedrock(create_model_customization_job={"jobArn": builders.JOB_ARN})

    for planned in plan(run, builders.dataset()):
        jobs.start(
            bedrock, stage, run, planned, builders.MODEL_ARN, ENGINE.name_of(stage, run, planned.number)
        )

    one, other = bedrock.called("create_model_customization_job")
    assert one["jobName"] != other["jobName"]
    assert one["clientRequestToken"] != other["clientRequestToken"]
    assert [each["hyperParameters"]["epochCount"] for each in (one, other)] == ["5", "2"]
    assert {each["baseModelIdentifier"] for each in (one, other)} == {builders.MODEL_ARN}


def test_jobs_in_progress_and_stopping_hold_a_slot_and_no_other(stage: Stage) -> None:
    page = {"modelCustomizationJobSummaries": [{}]}
    bedrock = FakeBedrock(list_model_customization_jobs=page)

    assert jobs.count_in_progress(bedrock) == 2
    assert bedrock.called("list_model_customization_jobs") == [
        {"statusEquals": "InProgress"}, {"statusEquals": "Stopping"},
    ]  # fmt: skip


def test_the_same_run_asks_with_the_same_name_and_token(stage: Stage) -> None:
    bedrock = FakeBedrock(create_model_customization_job={"jobArn": builders.JOB_ARN})

    start(bedrock, stage)
    start(bedrock, stage)

    one, other = bedrock.called("create_model_customization_job")
    assert one == other


@pytest.mark.parametrize(
    "error",
    [
        refusal("ValidationException", "The provided job name is currently in use."),
        refusal("ConflictException", "exists"),
    ],
)
def test_a_retry_meets_the_job_that_an_earlier_try_has_started(stage: Stage, error: Exception) -> None:
    bedrock = FakeBedrock(
        create_model_customization_job=error,  # type: ignore[arg-type]
        get_model_customization_job=finished(status="InProgress"),
    )

    assert start(bedrock, stage).job_arn == builders.JOB_ARN


def test_a_full_quota_is_no_failure_of_the_run(stage: Stage) -> None:
    bedrock = FakeBedrock(create_model_customization_job=refusal("ServiceQuotaExceededException"))

    with pytest.raises(QuotaFull):
        start(bedrock, stage)


@pytest.mark.parametrize(
    "error",
    [
        refusal("ThrottlingException", status=429),
        refusal("InternalServerException", status=500),
        refusal("ValidationException", "Could not assume provided IAM role"),
    ],
)
def test_what_may_heal_is_tried_again(stage: Stage, error: Exception) -> None:
    with pytest.raises(TransientError):
        start(FakeBedrock(create_model_customization_job=error), stage)  # type: ignore[arg-type]


def test_what_cannot_heal_fails_the_run_with_bedrocks_reason(stage: Stage) -> None:
    bedrock = FakeBedrock(create_model_customization_job=refusal("ValidationException", "bad data"))

    with pytest.raises(CustomizationFailed, match="bad data"):
        start(bedrock, stage)


def ended(job: dict[str, Any]) -> CompletedJob | None:
    """How a job ended that Bedrock describes so."""
    return outcome(ENGINE, aws_of(FakeBedrock(get_model_customization_job=job)), builders.JOB_ARN)


def test_a_completed_job_brings_its_model_and_losses() -> None:
    job = finished(trainingMetrics={"trainingLoss": 0.5}, validationMetrics=[{"validationLoss": 0.7}])

    done = ended(job)

    assert done is not None
    assert done.model_arn == builders.MODEL_ARN
    assert (done.training_loss, done.validation_loss) == (0.5, 0.7)
    assert done.output_uri.endswith("/training/model-customization-job-abcdefghij12/")


def test_a_job_without_validation_has_no_validation_loss() -> None:
    done = ended(finished(validationMetrics=[]))

    assert done is not None
    assert done.validation_loss is None


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_job_under_way_has_no_outcome_yet(status: str) -> None:
    assert ended(finished(status=status)) is None


def test_a_failed_job_says_what_bedrock_says() -> None:
    job = finished(status="Failed", failureMessage="Input size exceeded in file train.jsonl")

    with pytest.raises(CustomizationFailed, match="Input size exceeded"):
        ended(job)


def test_a_job_stopped_in_the_console_stops_the_run() -> None:
    with pytest.raises(RunStopped):
        ended(finished(status="Stopped"))


def test_stopping_a_job_that_has_ended_is_no_error() -> None:
    bedrock = FakeBedrock(stop_model_customization_job=refusal("ConflictException"))

    assert jobs.stop(bedrock, builders.JOB_ARN) is False


def test_a_distillation_names_its_teacher_and_no_hyperparameters(stage: Stage) -> None:
    teacher = Teacher(model="meta.llama3-3-70b-instruct-v1:0", max_response_length=500)
    request = request_of(stage, builders.run(teacher=teacher), method="distillation", validation=None)

    assert request["customizationType"] == "DISTILLATION"
    assert "hyperParameters" not in request
    assert request["customizationConfig"] == {
        "distillationConfig": {
            "teacherModelConfig": {
                "teacherModelIdentifier": "meta.llama3-3-70b-instruct-v1:0",
                "maxResponseLengthForInference": 500,
            }
        }
    }


def test_reinforcement_names_its_grader_and_gives_numbers(stage: Stage) -> None:
    values = {"epochCount": "4", "learningRate": "0.0001", "reasoningEffort": "high"}
    run = builders.run(grader=stage.grader_arn, hyperparameters=values)

    request = request_of(stage, run, method="reinforcement")

    assert request["customizationType"] == "REINFORCEMENT_FINE_TUNING"
    assert "hyperParameters" not in request
    config = request["customizationConfig"]["rftConfig"]
    assert config["graderConfig"] == {"lambdaGrader": {"lambdaArn": stage.grader_arn}}
    assert config["hyperParameters"] == {"epochCount": 4, "learningRate": 0.0001, "reasoningEffort": "high"}


def request_of(stage: Stage, run: Run, **dataset: object) -> dict[str, Any]:
    bedrock = FakeBedrock(create_model_customization_job={"jobArn": builders.JOB_ARN})
    (planned,) = plan(run, builders.dataset(**dataset))
    jobs.start(bedrock, stage, run, planned, builders.LLAMA_3_3, NAME)
    (request,) = bedrock.called("create_model_customization_job")
    return request

from __future__ import annotations

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop.contracts import Evaluation, Failure, Registration, StartedJob
from tunedrop.registry import Record, Registry
from tunedrop.resuming import resume

COMPLETED = {
    "jobArn": builders.JOB_ARN,
    "jobName": "job",
    "status": "Completed",
    "outputModelArn": builders.MODEL_ARN,
    "outputDataConfig": {"s3Uri": "s3://artifacts/out/"},
}
FAILED = COMPLETED | {"status": "Failed", "failureMessage": "no"}
STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")
AGAIN = "arn:again"


def ended(registry: Registry, outcome: str = "failed") -> Record:
    registry.end("persona-0123456789", outcome, Failure(error="AwsRefused", cause="denied"))
    record = registry.get("persona-0123456789")
    assert record is not None
    return record


@pytest.fixture
def open_run(registry: Registry) -> Registry:
    registry.register(builders.run())
    return registry


def test_a_trained_model_is_not_trained_again(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED, job=builders.job())

    found = resume(FakeBedrock(), open_run, ended(open_run), AGAIN, "validate_data")

    assert found.outcome == "resumed"
    assert found.resume is not None
    assert found.resume.point == "set_up_throughput"
    assert found.resume.job == builders.job()


def test_a_job_that_ended_well_unnoticed_is_not_trained_again(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED)
    bedrock = FakeBedrock(get_model_customization_job=COMPLETED)

    found = resume(bedrock, open_run, ended(open_run), AGAIN, "")

    assert found.resume is not None
    assert found.resume.point == "set_up_throughput"
    assert found.resume.job is not None
    assert found.resume.job.model_arn == builders.MODEL_ARN


def test_a_failed_job_is_tried_again_under_a_new_name(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED)
    bedrock = FakeBedrock(get_model_customization_job=FAILED)

    found = resume(bedrock, open_run, ended(open_run), AGAIN, "")

    assert found.run is not None
    assert found.run.attempt == 2
    assert found.resume is not None
    assert (found.resume.point, found.resume.job) == ("preflight", None)


@pytest.mark.parametrize(("asked", "point"), [("", "preflight"), ("validate_data", "validate_data")])
def test_what_was_validated_is_validated_again_only_when_asked(
    open_run: Registry, asked: str, point: str
) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset())

    found = resume(FakeBedrock(), open_run, ended(open_run), AGAIN, asked)

    assert found.resume is not None
    assert found.resume.point == point


def test_prompts_that_were_asked_are_not_asked_again(open_run: Registry) -> None:
    open_run.save(
        "persona-0123456789",
        dataset=builders.dataset(),
        job=builders.job(),
        evaluation=Evaluation(done=False, next_record=17),
    )

    found = resume(FakeBedrock(), open_run, ended(open_run), AGAIN, "")

    assert found.resume is not None
    assert found.resume.next_record == 17


def test_two_deliveries_of_one_retry_open_the_run_once(open_run: Registry) -> None:
    record = ended(open_run)
    first = resume(FakeBedrock(), open_run, record, AGAIN, "")

    second = resume(FakeBedrock(), open_run, record, "arn:other", "")

    assert (first.outcome, second.outcome) == ("resumed", "duplicate")


def test_an_execution_that_died_after_opening_the_run_goes_on(open_run: Registry) -> None:
    resume(FakeBedrock(), open_run, ended(open_run), AGAIN, "")
    record = open_run.get("persona-0123456789")
    assert record is not None

    found = resume(FakeBedrock(), open_run, record, AGAIN, "")

    assert found.outcome == "resumed"
    assert found.run is not None
    assert found.run.attempt == 2


@pytest.mark.parametrize("outcome", ["promoted", "rejected", "undecided", "running"])
def test_there_is_nothing_to_retry_in_a_run_that_came_to_its_end(open_run: Registry, outcome: str) -> None:
    record = ended(open_run, outcome)

    assert resume(FakeBedrock(), open_run, record, AGAIN, "") == Registration(
        outcome="ignored", run=record.run
    )

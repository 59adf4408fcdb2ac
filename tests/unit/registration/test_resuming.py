from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tunedrop.contracts import Evaluation, Failure, Registration, Run, S3Object, StartedJob
from tunedrop.registration import resuming
from tunedrop.registration.resuming import resume
from tunedrop.registry import Record, Registry
from tunedrop.registry.summaries import matching, summary

ALIVE = {"modelArn": builders.MODEL_ARN, "modelStatus": "Active"}
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

    bedrock = FakeBedrock(get_custom_model=ALIVE)

    found = resume(aws_of(bedrock), open_run, ended(open_run), AGAIN, "1", "validate_data")

    assert found.outcome == "resumed"
    assert found.resume is not None
    assert found.resume.point == "estimate_cost"
    assert found.resume.job == builders.job()


def test_a_job_that_ended_well_unnoticed_is_not_trained_again(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED)
    bedrock = FakeBedrock(get_model_customization_job=COMPLETED, get_custom_model=ALIVE)

    found = resume(aws_of(bedrock), open_run, ended(open_run), AGAIN, "1", "")

    assert found.resume is not None
    assert found.resume.point == "estimate_cost"
    assert found.resume.job is not None
    assert found.resume.job.model_arn == builders.MODEL_ARN


def test_a_failed_job_is_tried_again_under_a_new_name(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED)
    bedrock = FakeBedrock(get_model_customization_job=FAILED)

    found = resume(aws_of(bedrock), open_run, ended(open_run), AGAIN, "1", "")

    assert found.run is not None
    assert found.run.attempt == 2
    assert found.resume is not None
    assert (found.resume.point, found.resume.job) == ("preflight", None)


def test_every_retry_knows_what_was_paid_before_it_and_for_which_jobs(open_run: Registry) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), started=STARTED)
    open_run.note_cost("persona-0123456789", actual_usd=3.0)
    bedrock = FakeBedrock(get_model_customization_job=FAILED)
    first = resume(aws_of(bedrock), open_run, ended(open_run), AGAIN, "1", "")
    other = msgspec.structs.replace(STARTED, job_arn=f"{builders.JOB_ARN}2")
    open_run.save("persona-0123456789", started=other, job=builders.job())
    open_run.note_cost("persona-0123456789", actual_usd=7.0)

    bedrock = FakeBedrock(get_custom_model=ALIVE)
    second = resume(aws_of(bedrock), open_run, ended(open_run), "arn:third", "2", "")

    assert first.run is not None
    assert second.run is not None
    assert (first.run.spent_before_usd, first.run.jobs_before) == (3.0, (builders.JOB_ARN,))
    assert not first.run.is_trained
    assert (second.run.spent_before_usd, second.run.is_trained) == (7.0, True)
    assert second.run.jobs_before == (f"{builders.JOB_ARN}2",)  # a thousand retries make no run too large


def test_a_name_that_was_taken_meanwhile_is_evaluated_anew_and_nothing_is_trained_again(
    open_run: Registry,
) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset(), job=builders.job())
    open_run.end("persona-0123456789", "failed", Failure(error="NameTaken", cause="", step="promote_model"))
    record = open_run.get("persona-0123456789")
    assert record is not None

    found = resume(aws_of(FakeBedrock(get_custom_model=ALIVE)), open_run, record, AGAIN, "1", "")

    assert found.resume is not None
    assert found.run is not None
    assert found.run.is_reevaluated
    assert (found.resume.point, found.resume.next_record) == ("validate_data", 0)
    assert found.resume.job == builders.job()


@pytest.mark.parametrize(("asked", "point"), [("", "preflight"), ("validate_data", "validate_data")])
def test_what_was_validated_is_validated_again_only_when_asked(
    open_run: Registry, asked: str, point: str
) -> None:
    open_run.save("persona-0123456789", dataset=builders.dataset())

    found = resume(aws_of(FakeBedrock()), open_run, ended(open_run), AGAIN, "1", asked)

    assert found.resume is not None
    assert found.resume.point == point


def test_prompts_that_were_asked_are_not_asked_again(open_run: Registry) -> None:
    open_run.save(
        "persona-0123456789",
        dataset=builders.dataset(),
        job=builders.job(),
        evaluation=Evaluation(done=False, next_record=17),
    )

    found = resume(aws_of(FakeBedrock(get_custom_model=ALIVE)), open_run, ended(open_run), AGAIN, "1", "")

    assert found.resume is not None
    assert found.resume.next_record == 17


def test_two_deliveries_of_one_retry_open_the_run_once(open_run: Registry) -> None:
    record = ended(open_run)
    first = resume(aws_of(FakeBedrock()), open_run, record, AGAIN, "1", "")

    second = resume(aws_of(FakeBedrock()), open_run, record, "arn:other", "1", "")

    assert (first.outcome, second.outcome) == ("resumed", "duplicate")


def test_an_execution_that_died_after_opening_the_run_goes_on(open_run: Registry) -> None:
    resume(aws_of(FakeBedrock()), open_run, ended(open_run), AGAIN, "1", "")
    record = open_run.get("persona-0123456789")
    assert record is not None

    found = resume(aws_of(FakeBedrock()), open_run, record, AGAIN, "1", "")

    assert found.outcome == "resumed"
    assert found.run is not None
    assert found.run.attempt == 2


@pytest.mark.parametrize("outcome", ["promoted", "rejected", "running"])
def test_there_is_nothing_to_retry_in_a_run_that_came_to_its_end(open_run: Registry, outcome: str) -> None:
    record = ended(open_run, outcome)

    assert resume(aws_of(FakeBedrock()), open_run, record, AGAIN, "1", "") == Registration(
        outcome="ignored", run=record.run
    )


# --- inconclusive -------------------------------------------------------------------------------------

INCONCLUSIVE = Evaluation(done=True, verdict="inconclusive", next_record=4, reason="too few")
MORE = S3Object(bucket="intake", key="runs/persona/test.jsonl", version_id="v2")


def with_more(run: Run) -> Run:
    return msgspec.structs.replace(run, more_test=MORE)


@pytest.fixture
def inconclusive(open_run: Registry) -> Record:
    documents = {"dataset": builders.dataset(), "started": STARTED, "job": builders.job()}
    open_run.save("persona-0123456789", evaluation=INCONCLUSIVE, **documents)
    open_run.note_cost("persona-0123456789", actual_usd=3.0)
    return ended(open_run, "inconclusive")


def test_an_inconclusive_run_has_its_model_evaluated_anew_with_the_test_set_as_it_is_now(
    open_run: Registry, inconclusive: Record
) -> None:
    found = resume(
        aws_of(FakeBedrock(get_custom_model=ALIVE)), open_run, inconclusive, AGAIN, "1", "", with_more
    )

    assert found.run is not None
    assert (found.run.attempt, found.run.evaluation_attempt) == (2, 2)
    assert (found.run.more_test, found.run.method, found.run.spent_before_usd) == (MORE, "single-turn", 3.0)
    assert found.resume is not None
    assert (found.resume.point, found.resume.next_record) == ("validate_data", 0)
    assert found.resume.job == builders.job()
    record = open_run.get("persona-0123456789")
    assert record is not None
    assert record.document("evaluation", Evaluation) is None


def test_an_execution_that_died_after_opening_an_inconclusive_run_goes_on(
    open_run: Registry, inconclusive: Record
) -> None:
    bedrock = FakeBedrock(get_custom_model=ALIVE)
    first = resume(aws_of(bedrock), open_run, inconclusive, AGAIN, "1", "", with_more)
    record = open_run.get("persona-0123456789")
    assert record is not None

    assert resume(aws_of(bedrock), open_run, record, AGAIN, "1", "") == first


def test_a_test_set_that_was_refused_can_be_cured_and_tried_again(
    open_run: Registry, inconclusive: Record
) -> None:
    bedrock = FakeBedrock(get_custom_model=ALIVE)
    resume(aws_of(bedrock), open_run, inconclusive, AGAIN, "1", "")

    found = resume(aws_of(bedrock), open_run, ended(open_run, "refused"), "arn:third", "2", "", with_more)

    assert found.run is not None
    assert (found.run.attempt, found.run.evaluation_attempt) == (3, 3)
    assert found.run.more_test == MORE
    assert found.resume is not None
    assert found.resume.point == "validate_data"


def test_an_evaluation_anew_that_broke_off_goes_on_where_it_was(
    open_run: Registry, inconclusive: Record
) -> None:
    bedrock = FakeBedrock(get_custom_model=ALIVE)
    resume(aws_of(bedrock), open_run, inconclusive, AGAIN, "1", "")
    open_run.save("persona-0123456789", evaluation=Evaluation(done=False, next_record=9))

    found = resume(aws_of(bedrock), open_run, ended(open_run), "arn:third", "2", "", with_more)

    assert found.run is not None
    assert (found.run.attempt, found.run.evaluation_attempt, found.run.more_test) == (3, 2, None)
    assert found.resume is not None
    assert (found.resume.point, found.resume.next_record) == ("estimate_cost", 9)


def test_a_model_that_was_deleted_meanwhile_is_said_to_be_gone(
    open_run: Registry, inconclusive: Record
) -> None:
    gone = FakeBedrock(get_custom_model=refusal("ResourceNotFoundException"))

    found = resume(aws_of(gone), open_run, inconclusive, AGAIN, "1", "")

    assert found.outcome == "refused"
    assert found.failure is not None
    assert found.failure.error == "ModelDeleted"
    assert found.resume is not None
    assert found.resume.job == builders.job()
    assert f"{builders.MODEL_ARN} that this run trained was deleted" in found.failure.cause


def undecided(registry: Registry) -> Record:
    """A run whose evaluation could not tell."""
    registry.save(
        "persona-0123456789",
        dataset=builders.dataset(),
        job=builders.job(),
        evaluation=builders.evaluation(verdict="inconclusive"),
    )
    registry.end("persona-0123456789", "inconclusive", None)
    record = registry.get("persona-0123456789")
    assert record is not None
    return record


REFUSED = Failure(error="TooManyRuns", cause="200 runs are open", step="register_run")


@pytest.mark.parametrize("partial", [None, Evaluation(done=False, next_record=3)])
def test_a_retry_that_ends_without_a_verdict_leaves_the_one_before_it(
    open_run: Registry, partial: Evaluation | None
) -> None:
    before, aws = undecided(open_run), aws_of(FakeBedrock(get_custom_model=ALIVE))
    records = []
    for attempt in ("1", "2"):
        record = open_run.get("persona-0123456789")
        assert record is not None
        resume(aws, open_run, record, f"{AGAIN}{attempt}", attempt, "")
        if partial is not None:
            open_run.save("persona-0123456789", evaluation=partial)
        open_run.end("persona-0123456789", "refused", REFUSED, f"{AGAIN}{attempt}")
        records.append(open_run.get("persona-0123456789"))

    for number, record in enumerate(records, 2):
        assert record is not None
        row = summary(record)
        assert (row.status, row.attempt, row.failure) == ("refused", number, REFUSED.cause)
        assert (row.earlier_outcome, row.earlier_attempt) == ("inconclusive", 1)
        assert row.score == summary(before).score is not None
        for status in ("inconclusive", "refused"):
            assert matching([row], statuses=[status]) == [row]
        assert matching([row], statuses=["failed"]) == []
        assert resuming.reevaluates(record) is (partial is None)


def test_a_new_verdict_takes_the_place_of_the_one_before_it(open_run: Registry) -> None:
    aws = aws_of(FakeBedrock(get_custom_model=ALIVE))
    resume(aws, open_run, undecided(open_run), AGAIN, "1", "")
    open_run.save("persona-0123456789", evaluation=builders.evaluation())
    open_run.end("persona-0123456789", "promoted", None, AGAIN)

    record = open_run.get("persona-0123456789")

    assert record is not None
    assert record.verdict is not None
    assert (record.verdict.attempt, record.verdict.outcome) == (2, "promoted")
    assert summary(record).earlier_outcome == ""

"""What goes wrong in Bedrock, and what is left of it."""

from __future__ import annotations

from local.driver import Inbox, Pipeline
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn


def test_a_job_that_fails_in_bedrock_fails_the_run_with_bedrocks_reason(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(fail_next_job="Input size exceeded in file train.jsonl for record starting with")

    record = pipeline.finished(pipeline.drop("fails", jsonl(single_turn("fails"))))

    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "failed"
    assert "Input size exceeded" in message.text
    assert message.attributes["outcome"] == "failed"


def test_a_lost_event_costs_only_time(embedded: Embedded, pipeline: Pipeline) -> None:
    embedded.faults.set(events="never")

    record = pipeline.finished(pipeline.drop("lost", jsonl(single_turn("lost"))))

    assert record.status == "promoted"


def test_an_event_sent_twice_changes_nothing(embedded: Embedded, pipeline: Pipeline, inbox: Inbox) -> None:
    embedded.faults.set(events="twice")

    record = pipeline.finished(pipeline.drop("doubled", jsonl(single_turn("doubled"))))

    assert record.status == "promoted"
    assert len(inbox.messages(record.run.run_id)) == 1


def test_a_throttled_call_to_bedrock_is_retried(embedded: Embedded, pipeline: Pipeline) -> None:
    operations = ("CreateModelCustomizationJob", "GetModelCustomizationJob", "CreateCustomModelDeployment")
    embedded.faults.set(
        calls=[{"operation": one, "times": 2, "error": "ThrottlingException"} for one in operations]
    )

    record = pipeline.finished(pipeline.drop("throttled", jsonl(single_turn("throttled"))))

    assert record.status == "promoted"


def test_a_job_created_by_a_call_that_timed_out_is_found_again(
    embedded: Embedded, pipeline: Pipeline
) -> None:
    embedded.faults.set(
        calls=[
            {
                "operation": "CreateModelCustomizationJob",
                "times": 1,
                "error": "InternalServerException",
                "after_effect": True,
            }
        ]
    )

    record = pipeline.finished(pipeline.drop("timed-out", jsonl(single_turn("timed-out"))))

    jobs = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=record.run.run_id)
    assert record.status == "promoted"
    assert len(jobs["modelCustomizationJobSummaries"]) == 1


def test_a_stop_object_stops_the_job_and_the_run(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    name = pipeline.drop("halted", jsonl(single_turn("halted")))
    run_id = pipeline.run_named(name).run.run_id

    pipeline.stop(run_id)

    record = pipeline.finished(name)
    (message,) = inbox.messages(run_id)
    assert record.status == "stopped"
    assert message.attributes["outcome"] == "stopped"

"""Every event, lost, doubled, early and late: nothing changes but the delay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn
from tests.faults.journeys import (
    PROVISIONED,
    SECONDS,
    assert_ended_as_if_nothing_had_happened,
    fresh,
    on_demand,
    provisioned,
    stopped,
)
from tunedrop import intake
from tunedrop.registry import Record

START, SIGNAL = "a dropped dataset or a manifest starts a run", "a run was approved or stopped"


@contextmanager
def rule_off(pipeline: Pipeline, description: str) -> Iterator[None]:
    """EventBridge matches nothing by this rule for as long as the block lasts: what happens then is lost."""
    events = pipeline.session.client("events")
    rules = [one for one in events.list_rules()["Rules"] if one.get("Description", "").endswith(description)]
    (name,) = [one["Name"] for one in rules if f'"{pipeline.stage.intake_bucket}"' in one["EventPattern"]]
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)


@pytest.mark.parametrize("delivery", ["never", "twice", "early", "late"])
def test_bedrocks_event(embedded: Embedded, pipeline: Pipeline, inbox: Inbox, delivery: str) -> None:
    embedded.faults.set(events=delivery)

    record = on_demand(pipeline)

    assert_ended_as_if_nothing_had_happened(on_demand, record, pipeline, inbox)


@pytest.mark.parametrize("delivery", ["never", "twice"])
def test_bedrocks_event_of_a_job_that_was_stopped(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, delivery: str
) -> None:
    embedded.faults.set(events=delivery, training_minutes=A_DAY)

    record = stopped(pipeline)

    assert_ended_as_if_nothing_had_happened(stopped, record, pipeline, inbox)


def test_an_upload_whose_event_is_lost_is_found_and_started(pipeline: Pipeline, inbox: Inbox) -> None:
    """By the schedule, which nobody helps here."""
    with rule_off(pipeline, START):
        version = pipeline.put("drop/fault-lost.jsonl", jsonl(single_turn("fault")))

    record = pipeline.closed(pipeline.run_of("fault-lost", version, SECONDS).run.run_id, SECONDS)

    assert_ended_as_if_nothing_had_happened(on_demand, record, pipeline, inbox)


def test_an_uploads_event_that_comes_after_all_starts_no_second_run(pipeline: Pipeline, inbox: Inbox) -> None:
    with rule_off(pipeline, START):
        version = pipeline.put("drop/fault-late.jsonl", jsonl(single_turn("fault")))
    pipeline.after_sweeps(lambda: next(iter(pipeline.registry.named("fault-late")), None), "a run")
    record = pipeline.run_of("fault-late", version, SECONDS)
    states = pipeline.aws.step_functions
    event = json.loads(states.describe_execution(executionArn=record.run.execution_arn)["input"])

    late = states.start_execution(
        stateMachineArn=pipeline.stage.workflow_arn, input=json.dumps(event | {"source": "aws.s3"})
    )["executionArn"]

    until(
        lambda: states.describe_execution(executionArn=late)["status"] == "SUCCEEDED" or None,
        "the late event's execution",
    )
    record = pipeline.closed(record.run.run_id, SECONDS)
    assert_ended_as_if_nothing_had_happened(on_demand, record, pipeline, inbox)


def waiting_for_approval(pipeline: Pipeline, inbox: Inbox) -> str:
    """The id of a run that has asked for approval."""
    name = fresh("fault-approval")
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn("fault")))
    version = pipeline.put(f"runs/{name}/run.yaml", PROVISIONED)
    run_id = pipeline.run_of(name, version, SECONDS).run.run_id
    until(lambda: inbox.messages(run_id) or None, "the question", SECONDS)
    return run_id


def test_an_approval_whose_event_is_lost_counts(pipeline: Pipeline, inbox: Inbox) -> None:
    run_id = waiting_for_approval(pipeline, inbox)
    with rule_off(pipeline, SIGNAL):
        pipeline.approve(run_id)

    record = pipeline.closed(run_id, SECONDS)

    assert_ended_as_if_nothing_had_happened(provisioned, record, pipeline, inbox)


def test_an_approval_given_twice_counts_once(pipeline: Pipeline, inbox: Inbox) -> None:
    run_id = waiting_for_approval(pipeline, inbox)
    asked = pipeline.waits.get(run_id, "approval")
    assert asked is not None
    pipeline.put(asked.subject, b"")
    pipeline.put(asked.subject, b"")

    record = pipeline.closed(run_id, SECONDS)

    assert_ended_as_if_nothing_had_happened(provisioned, record, pipeline, inbox)


def test_an_approval_that_comes_after_the_run_has_ended_changes_nothing(
    pipeline: Pipeline, inbox: Inbox
) -> None:
    record: Record = on_demand(pipeline)

    pipeline.put(intake.signal_key(record.run.run_id, "approve", "1-0123456789"), b"")

    again = pipeline.registry.get(record.run.run_id)
    assert again is not None
    assert again.status == "promoted"
    assert_ended_as_if_nothing_had_happened(on_demand, record, pipeline, inbox)


def test_a_stop_whose_event_is_lost_stops_the_run(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    with rule_off(pipeline, SIGNAL):
        record = stopped(pipeline)

    assert_ended_as_if_nothing_had_happened(stopped, record, pipeline, inbox)


def test_an_execution_stopped_in_the_console_stops_the_job_and_notifies_once(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    version = pipeline.put("drop/fault-console.jsonl", jsonl(single_turn("fault")))
    record = pipeline.run_of("fault-console", version, SECONDS)
    until(
        lambda: (pipeline.registry.get(record.run.run_id) or record).documents.get("started"),
        "a job",
        SECONDS,
    )

    pipeline.aws.step_functions.stop_execution(executionArn=record.run.execution_arn)

    record = pipeline.closed(record.run.run_id, SECONDS)
    (job,) = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=record.run.run_id)[
        "modelCustomizationJobSummaries"
    ]
    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "stopped"
    assert job["status"] in ("Stopping", "Stopped")
    assert message.attributes["outcome"] == "stopped"

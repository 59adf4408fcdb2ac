"""A second stage of the account, in another Region, with settings of its own."""

from __future__ import annotations

from collections.abc import Iterator

from local.driver import Inbox, Pipeline
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop.registry import Record

NAMED: tuple[tuple[str, str, str, str], ...] = (
    ("s3", "list_buckets", "Buckets", "Name"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
)
"""What a stage is made of: service, how it is listed, where the entries are, and the name in each."""


def named(pipeline: Pipeline, part: str) -> Iterator[str]:
    """Everything in the Region that has this in its name."""
    for service, operation, entries, name in NAMED:
        client = pipeline.session.client(service)
        pages = (
            client.get_paginator(operation).paginate()
            if client.can_paginate(operation)
            else [getattr(client, operation)()]
        )
        for one in (one for page in pages for one in page.get(entries, [])):
            if part in (one[name] if name else one):
                yield f"{service}: {one[name] if name else one}"


def test_a_stage_is_destroyed_whole_with_its_objects_and_created_again(
    embedded: Embedded, west: Pipeline
) -> None:
    """By the CDK CLI, as for `dev`; the tests below use what was created the second time."""
    for body in (b"first", b"second"):
        west.put("notes/old.txt", body)
    west.aws.s3.delete_object(Bucket=west.stage.intake_bucket, Key="notes/old.txt")
    before = set(named(west, "tunedrop-localwest"))

    embedded.destroy("localwest")
    left = set(named(west, "tunedrop-localwest"))
    embedded.deploy("localwest", "us-west-2")
    west.read("localwest")

    assert {one.partition(":")[0] for one in before} == {service for service, *_ in NAMED}
    assert left == set()
    assert len(set(named(west, "tunedrop-localwest"))) == len(before)


def test_a_run_is_tuned_and_promoted_beside_the_stage_of_the_first_region(
    west: Pipeline, pipeline: Pipeline
) -> None:
    record = west.finished(west.drop("second", jsonl(single_turn("second"))))

    assert record.status == "promoted", record.failure
    assert record.run.base_model.startswith("meta.llama3-3")
    assert pipeline.registry.get(record.run.run_id) is None


def test_a_run_that_nobody_approves_is_refused_after_the_stages_time_limit(west: Pipeline) -> None:
    with west.inbox() as inbox:
        west.put("runs/unanswered/train.jsonl", jsonl(single_turn("unanswered")))
        west.put("runs/unanswered/run.yaml", b"budget_usd: 0.01\ndata: {train: train.jsonl}\n")

        record = west.finished("unanswered")

        assert record.status == "refused"
        assert _events(inbox, record) == ["approval-required", "run-ended"]
    assert record.failure is not None
    assert "nobody approved the run" in record.failure.cause
    assert record.actual_usd == 0.0


def test_a_base_model_that_is_legacy_today_is_refused_with_what_to_take(
    embedded: Embedded, west: Pipeline
) -> None:
    embedded.faults.set(lifecycle_on="2026-11-29")

    record = west.finished(west.drop("legacy", jsonl(single_turn("legacy"))))

    assert record.status == "refused"
    assert record.failure is not None
    assert "is Legacy" in record.failure.cause
    assert "Take amazon.nova-" in record.failure.cause
    assert record.actual_usd == 0.0


def _events(inbox: Inbox, record: Record) -> list[str]:
    return [one.attributes["event"] for one in inbox.messages(record.run.run_id)]

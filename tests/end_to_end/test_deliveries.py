"""Events come more than once, at once, and out of order; a run is still one run."""

from __future__ import annotations

import json

from local.driver import Inbox, Pipeline, until
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import CompletedJob


def test_the_same_upload_delivered_twice_is_trained_once(pipeline: Pipeline, inbox: Inbox) -> None:
    name = pipeline.drop("twice", jsonl(single_turn("twice")))
    first = pipeline.finished(name)
    states = pipeline.aws.step_functions
    event = json.loads(states.describe_execution(executionArn=first.run.execution_arn)["input"])
    machine = first.run.execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]

    again = states.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]
    until(
        lambda: states.describe_execution(executionArn=again)["status"] == "SUCCEEDED" or None,
        "the second delivery's execution",
    )

    jobs = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=first.run.run_id)
    assert len(jobs["modelCustomizationJobSummaries"]) == 1
    assert len(inbox.messages(first.run.run_id)) == 1
    assert len(pipeline.registry.named(name)) == 1


def test_two_uploads_at_once_are_two_runs(pipeline: Pipeline) -> None:
    names = [pipeline.drop(f"at-once-{number}", jsonl(single_turn(f"at{number}"))) for number in (1, 2)]

    records = [pipeline.finished(name) for name in names]

    jobs = [record.document("job", CompletedJob) for record in records]
    assert [record.status for record in records] == ["promoted", "promoted"]
    assert len({job.job_arn for job in jobs if job is not None}) == 2


def test_an_s3_event_has_the_fields_of_awss(pipeline: Pipeline) -> None:
    """The fields of the example in AWS's documentation (S3 user guide, ev-events, read 2026-11-29)."""
    version = pipeline.put("drop/eventful.jsonl", b"{}")
    record = pipeline.run_of("eventful", version)
    states = pipeline.aws.step_functions
    event = json.loads(states.describe_execution(executionArn=record.run.execution_arn)["input"])
    pipeline.closed(record.run.run_id)

    assert set(event) == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    }  # fmt: skip
    assert set(event["detail"]) == {
        "version", "event-version", "bucket", "object", "request-id", "requester", "source-ip-address",
        "reason",
    }  # fmt: skip
    assert set(event["detail"]["object"]) == {"key", "size", "etag", "version-id", "sequencer"}
    assert event["detail"]["object"]["version-id"] == version
    assert event["detail"]["reason"] == "PutObject"


def test_the_shards_of_a_folder_are_one_run_which_its_end_starts(pipeline: Pipeline) -> None:
    """The events of S3 say why an object was created; that is no reason to start."""
    for number in range(3):
        pipeline.put(f"drop/sharded-drop/train-{number}.jsonl", b"{} %d\n" % number)
    ended = pipeline.put("drop/sharded-drop/_SUCCESS", b"")
    record = pipeline.closed(pipeline.run_of("sharded-drop", ended).run.run_id)

    assert len(record.run.train.objects) == 3
    assert len(pipeline.registry.named("sharded-drop")) == 1


def test_every_one_of_five_quick_puts_of_a_key_has_a_run_of_its_own(pipeline: Pipeline) -> None:
    versions = [pipeline.put("drop/quickly.jsonl", b"{} %d" % number) for number in range(5)]

    records = [pipeline.run_of("quickly", version) for version in versions]

    assert len({record.run.run_id for record in records}) == 5
    for record in records:
        pipeline.closed(record.run.run_id)


def test_nothing_that_the_pipeline_writes_starts_it_again(pipeline: Pipeline) -> None:
    name = pipeline.drop("quiet", jsonl(single_turn("quiet")))
    record = pipeline.finished(name)

    runs = [one.run.run_id for one in pipeline.registry.recent(200)]

    assert runs.count(record.run.run_id) == 1
    listed = pipeline.aws.s3.list_objects_v2(Bucket=pipeline.stage.intake_bucket, Prefix="drop/quiet")
    assert [item["Key"] for item in listed["Contents"]] == ["drop/quiet.jsonl"]

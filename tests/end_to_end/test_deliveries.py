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


def test_nothing_that_the_pipeline_writes_starts_it_again(pipeline: Pipeline) -> None:
    name = pipeline.drop("quiet", jsonl(single_turn("quiet")))
    record = pipeline.finished(name)

    runs = [one.run.run_id for one in pipeline.registry.recent(200)]

    assert runs.count(record.run.run_id) == 1
    listed = pipeline.aws.s3.list_objects_v2(Bucket=pipeline.stage.intake_bucket, Prefix="drop/quiet")
    assert [item["Key"] for item in listed["Contents"]] == ["drop/quiet.jsonl"]

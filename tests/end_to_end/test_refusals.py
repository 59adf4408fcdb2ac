"""What is refused, and what its owner is told."""

from __future__ import annotations

from local.driver import Inbox, Pipeline
from tests.datasets import jsonl, single_turn


def customization_jobs(pipeline: Pipeline) -> list[str]:
    answer = pipeline.aws.bedrock.list_model_customization_jobs()
    return [job["jobName"] for job in answer["modelCustomizationJobSummaries"]]


def test_an_invalid_dataset_is_refused_before_bedrock_is_called(pipeline: Pipeline, inbox: Inbox) -> None:
    records = single_turn("invalid")
    records[60]["messages"][1]["content"][0]["text"] = "   "

    name = pipeline.drop("invalid", jsonl(records))

    record = pipeline.finished(name)
    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert message.attributes["outcome"] == "refused"
    assert "invalid.jsonl line 61" in message.text
    assert "text is empty" in message.text
    assert not any(record.run.run_id in job for job in customization_jobs(pipeline))
    assert "preflight" not in [step.step for step in pipeline.registry.steps(record.run.run_id)]


def test_a_manifest_with_an_unknown_key_names_the_nearest_known_one(pipeline: Pipeline, inbox: Inbox) -> None:
    pipeline.put("runs/unknown-key/train.jsonl", jsonl(single_turn("unknown")))
    pipeline.put("runs/unknown-key/run.yaml", b"data: {train: train.jsonl}\nbudget: 5\n")

    record = pipeline.finished("unknown-key")

    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert "run.yaml line 2: unknown key budget; did you mean budget_usd?" in message.text


def test_a_base_model_of_another_region_is_refused_with_a_hint(pipeline: Pipeline, inbox: Inbox) -> None:
    pipeline.put("runs/elsewhere/train.jsonl", jsonl(single_turn("elsewhere")))
    manifest = (
        b"base_model: meta.llama3-3-70b-instruct-v1:0:128k\ndata: {train: train.jsonl}\nnotify: support\n"
    )
    pipeline.put("runs/elsewhere/run.yaml", manifest)

    record = pipeline.finished("elsewhere")

    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert "is customized in us-west-2; this stage is in us-east-1" in message.text
    assert message.attributes["notify"] == '["support"]'

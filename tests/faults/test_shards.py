"""Shards that are throttled, lose their answers or die: nothing is asked twice too often, nothing is lost."""

from __future__ import annotations

import msgspec
import pytest

from local.driver import Inbox, Pipeline
from local.embedded import Embedded
from tests.datasets import jsonl, long_prompts, many_held_out, single_turn
from tests.faults.journeys import fresh
from tunedrop import catalog, naming
from tunedrop.contracts import Evaluation
from tunedrop.dataset.check.check import check
from tunedrop.evaluation.inference import predictions
from tunedrop.registry import Record

NAME = "fault-sharded"
MANIFEST = b"data: {train: train.jsonl, test: test.jsonl}\n"
SECONDS = 300.0


def evaluated_in_shards(pipeline: Pipeline) -> Record:
    """A run with so many held-out prompts that they are asked in shards."""
    name = fresh(NAME)
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(NAME)))
    pipeline.put(f"runs/{name}/test.jsonl", jsonl(many_held_out(NAME)))
    version = pipeline.put(f"runs/{name}/run.yaml", MANIFEST)
    return pipeline.closed(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)


def validated_in_shards(pipeline: Pipeline) -> Record:
    """A run whose dataset is so large that it is checked and prepared in shards."""
    name = fresh(f"{NAME}-data")
    version = pipeline.put(f"drop/{name}.jsonl", jsonl(long_prompts(NAME)))
    return pipeline.closed(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)


def assert_the_dataset_is_that_of_one_pass(pipeline: Pipeline, record: Record) -> None:
    body, base_model = jsonl(long_prompts(NAME)), catalog.find(record.run.base_model)
    report = check({"train": [body]}, {"train": record.run.train.key.removeprefix("drop/")}, base_model)
    assert record.status == "promoted", record.failure
    assert pipeline.artifact(naming.validation_key(record.run.run_id)) == msgspec.json.encode(report)
    lines = [
        line
        for split in ("train", "validation", "test")
        for line in pipeline.artifact(naming.dataset_key(record.run.run_id, split)).splitlines()
    ]
    assert sorted(map(msgspec.json.decode, lines), key=str) == sorted(long_prompts(NAME), key=str)


def assert_every_prompt_was_asked_once_and_answered(pipeline: Pipeline, record: Record) -> None:
    asked = predictions.decode(pipeline.artifact(naming.predictions_key(record.run.run_id)))
    evaluation = record.document("evaluation", Evaluation)
    prompts = [one["messages"][0]["content"][0]["text"] for one in many_held_out(NAME)]
    assert record.status == "promoted", record.failure
    assert [one.prompt for one in asked if not one.probe] == prompts
    assert evaluation is not None
    assert (evaluation.records, evaluation.failed_prompts) == (len(prompts), 0)


@pytest.mark.parametrize("fault", ["throttled", "timed-out"])
def test_each_call_of_the_shards_is_broken_once(embedded: Embedded, pipeline: Pipeline, fault: str) -> None:
    embedded.faults.set(functions=[{"function": "evaluate_shard", "fault": fault}])

    record = evaluated_in_shards(pipeline)

    made = {line.split()[1] for line in embedded.faults.made()}
    assert made == {
        "bedrock:InvokeModel", "dynamodb:GetItem", "dynamodb:Query", "s3:GetObject", "s3:PutObject",
        "ssm:GetParameter",
    }  # fmt: skip
    assert_every_prompt_was_asked_once_and_answered(pipeline, record)


def test_a_shard_that_dies_is_done_again(embedded: Embedded, pipeline: Pipeline) -> None:
    """After it has asked a model, and again after it has kept the answers, before it knows."""
    actions = ("bedrock:InvokeModel", "s3:PutObject")
    embedded.faults.set(
        functions=[{"function": "evaluate_shard", "fault": "killed", "action": action} for action in actions]
    )

    record = evaluated_in_shards(pipeline)

    assert set(embedded.faults.made()) == {f"evaluate_shard {action} killed" for action in actions}
    assert_every_prompt_was_asked_once_and_answered(pipeline, record)


@pytest.mark.parametrize("fault", ["throttled", "killed"])
def test_shards_of_a_dataset_that_fail_once_are_done_again(
    embedded: Embedded, pipeline: Pipeline, fault: str
) -> None:
    actions = ("s3:GetObjectVersion", "s3:PutObject")
    embedded.faults.set(
        functions=[{"function": "validate_shard", "fault": fault, "action": action} for action in actions]
    )

    record = validated_in_shards(pipeline)

    assert set(embedded.faults.made()) == {f"validate_shard {action} {fault}" for action in actions}
    assert_the_dataset_is_that_of_one_pass(pipeline, record)


def test_a_shard_that_always_dies_fails_the_run_and_names_the_step(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(
        functions=[{"function": "evaluate_shard", "fault": "killed", "action": "s3:GetObject", "times": 99}]
    )

    record = evaluated_in_shards(pipeline)

    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "failed"
    assert record.failure is not None
    assert record.failure.step == "evaluate_shard"
    assert message.attributes["outcome"] == "failed"

"""What is too much for one function is done by several at once, with the same result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from local.driver import Inbox, Pipeline
from tests.datasets import jsonl, long_prompts, many_held_out, single_turn
from tunedrop import naming
from tunedrop.cli.app import app
from tunedrop.contracts import Dataset, Evaluation
from tunedrop.evaluation.inference import predictions
from tunedrop.registry import Record

MANIFEST = b"data: {train: train.jsonl, test: test.jsonl}\n"


def map_runs(pipeline: Pipeline, execution_arn: str) -> list[str]:
    """The Distributed Maps that an execution has run, by their labels."""
    runs = pipeline.aws.step_functions.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return [one["mapRunArn"].split("/")[1].split(":")[0] for one in runs]


def test_many_held_out_prompts_are_evaluated_in_shards_and_decided_together(pipeline: Pipeline) -> None:
    held_out = many_held_out("sharded")
    pipeline.put("runs/sharded/train.jsonl", jsonl(single_turn("sharded")))
    pipeline.put("runs/sharded/test.jsonl", jsonl(held_out))
    pipeline.put("runs/sharded/run.yaml", MANIFEST)

    record = pipeline.finished("sharded")

    evaluation = record.document("evaluation", Evaluation)
    kept = predictions.decode(pipeline.artifact(naming.predictions_key(record.run.run_id)))
    asked = [one for one in kept if not one.probe]
    assert record.status == "promoted", record.failure
    assert map_runs(pipeline, record.run.execution_arn) == ["EvaluateShard"]
    assert evaluation is not None
    assert evaluation.records == len(held_out)
    assert evaluation.failed_prompts == 0
    assert [one.prompt for one in asked] == [
        record["messages"][0]["content"][0]["text"] for record in held_out
    ]
    assert [one.reference for one in asked] == [
        record["messages"][1]["content"][0]["text"] for record in held_out
    ]


def checked_here(file: Path, base_model: str) -> dict[str, Any]:
    """What `tunedrop check` says of a file."""
    command = ["check", str(file), "--base-model", base_model, "--format", "json"]
    report: dict[str, Any] = json.loads(CliRunner().invoke(app, command).stdout)
    return report


def report_of(pipeline: Pipeline, record: Record) -> dict[str, Any]:
    """What the pipeline has found in a run's dataset."""
    report: dict[str, Any] = json.loads(pipeline.artifact(naming.validation_key(record.run.run_id)))
    return report


def test_a_large_dataset_is_checked_and_prepared_in_shards_and_trains(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(jsonl(long_prompts("large")))

    record = pipeline.finished(pipeline.drop("large", file))

    dataset = record.document("dataset", Dataset)
    written = pipeline.artifact(naming.dataset_key(record.run.run_id, "train"))
    assert file.stat().st_size > 2 * pipeline.stage.validation_shard_bytes
    assert map_runs(pipeline, record.run.execution_arn) == ["ValidateShard", "ValidateShard"]
    assert report_of(pipeline, record) == checked_here(file, record.run.base_model)
    assert dataset is not None
    assert written.count(b"\n") == dataset.train.records
    assert len(written) == dataset.train.bytes
    assert record.status == "promoted", record.failure


def test_errors_in_several_shards_are_reported_as_by_the_command_line(
    pipeline: Pipeline, inbox: Inbox, tmp_path: Path
) -> None:
    records = long_prompts("broken")
    for line in (2, 180, 360):
        records[line - 1]["messages"][1]["content"][0]["text"] = "  "
    file = tmp_path / "broken.jsonl"
    file.write_bytes(jsonl(records))

    record = pipeline.finished(pipeline.drop("broken", file))

    (message,) = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert map_runs(pipeline, record.run.execution_arn) == ["ValidateShard"]
    assert report_of(pipeline, record) == checked_here(file, record.run.base_model)
    assert all(f"broken.jsonl line {line} " in message.text for line in (2, 180, 360))

"""What is too much for one function is done by several at once, with the same result."""

from __future__ import annotations

from local.driver import Pipeline
from tests.datasets import jsonl, many_held_out, single_turn
from tunedrop import naming
from tunedrop.contracts import Evaluation
from tunedrop.evaluation import predictions

MANIFEST = b"data: {train: train.jsonl, test: test.jsonl}\n"


def map_runs(pipeline: Pipeline, execution_arn: str) -> list[str]:
    """The Distributed Maps that an execution has run, by their labels."""
    runs = pipeline.aws.step_functions.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return [one["mapRunArn"].split("/")[1].split(":")[0] for one in runs]


def test_many_held_out_prompts_are_asked_in_shards_and_decided_together(pipeline: Pipeline) -> None:
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

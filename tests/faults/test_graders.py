"""A grader that dies while open weights learn by its grades."""

from __future__ import annotations

from pathlib import Path

from local.driver import Pipeline
from local.embedded import Embedded
from tests.end_to_end.runs import submit
from tunedrop.serving import inventory
from tunedrop.training import engines

SECONDS = 600.0
MANIFEST = b"""
base_model: qwen.qwen3-32b
method: reinforcement
hyperparameters: {max_epochs: 1, rollout_n: 2}
budget_usd: 90
data: {train: train.jsonl}
"""


def test_a_grader_that_dies_while_the_model_trains_fails_the_run_and_leaves_nothing_billed(
    every_engine: Pipeline, embedded: Embedded, examples: Path
) -> None:
    """It has answered preflight; the evaluator, which is deleted meanwhile, is registered again."""
    run_id = submit(every_engine, "ungraded", MANIFEST, examples / "graded-answers" / "train.jsonl")
    every_engine.asked(run_id)
    engines.named("sagemaker-serverless").forget(every_engine.aws, every_engine.stage)
    embedded.faults.set(functions=[{"function": "localopen.grade_rollouts", "fault": "killed", "times": 999}])
    try:
        every_engine.approve(run_id)
        record = every_engine.closed(run_id, SECONDS)
    finally:
        embedded.faults.set()

    assert record.status == "failed"
    assert record.failure is not None
    assert "The reward function" in record.failure.cause
    # A failed job logs a model package (developer guide), which goes with its run at the next teardown.
    left = {one.kind for one in inventory.of_run(every_engine.aws, every_engine.stage, run_id)}
    assert left == {"trained model"}

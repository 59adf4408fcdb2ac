"""Open weights that learn by being graded: from a base model, and in every order of methods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.driver import Pipeline
from tests.datasets import jsonl
from tests.end_to_end.runs import submit, torn_down, whole
from tunedrop.contracts import CompletedJob, Dataset, Estimate, Evaluation, Preflight
from tunedrop.registry import Record
from tunedrop.results.teardown import Teardown

BASE, SECONDS = "qwen.qwen3-32b", 900.0
GRADED = """
method: reinforcement
hyperparameters: {max_epochs: 8, learning_rate: 2e-5, rollout_n: 16}
budget_usd: 90
evaluation: {min_improvement: 0.02}
data: {train: train.jsonl}
"""


def config_of(stage: Pipeline, record: Record) -> dict[str, Any]:
    job = whole(record, "job", CompletedJob)
    described = stage.aws.sagemaker.describe_training_job(TrainingJobName=job.job_name)
    return dict(described["ServerlessJobConfig"]) | {"package": described["ModelPackageConfig"]}


def test_open_weights_learn_by_being_graded_and_are_judged_by_the_grader(
    every_engine: Pipeline, examples: Path
) -> None:
    train = examples / "graded-answers" / "train.jsonl"
    run_id = submit(every_engine, "rewarded", f"base_model: {BASE}{GRADED}".encode(), train)

    record = every_engine.approved(run_id, SECONDS)

    assert record.status == "promoted", record.failure
    config = config_of(every_engine, record)
    assert config["CustomizationTechnique"] == "RLVR"
    assert config["EvaluatorArn"].endswith(":hub-content/tunedrop-localopen/JsonDoc/grade-rollouts/1.0.0")
    checks = {one.name: one.detail for one in whole(record, "preflight", Preflight).checks}
    assert checks["reward function"].endswith("had two rollouts graded")
    assert checks["grader"].endswith("graded two records")
    evaluation = whole(record, "evaluation", Evaluation)
    assert evaluation.decisive is not None
    assert evaluation.decisive.metric == "reward"
    assert evaluation.decisive.tuned > 0.8 > evaluation.decisive.base
    lines = {line.item: line for line in whole(record, "estimate", Estimate).lines}
    assert "no dated price is known" in lines["training"].basis
    assert "answers graded by your Lambda function" in lines["grader"].basis

    assert [key for key in torn_down(every_engine, run_id) if "hf_merged" in key] == []


def test_each_order_of_methods_that_aws_documents_goes_on_from_package_to_package(
    every_engine: Pipeline, examples: Path
) -> None:
    """Examples, then grades, then preferences; and not back to examples (customizing-models-continuous)."""
    rows = [
        json.loads(line) for line in (examples / "graded-answers" / "train.jsonl").read_text().splitlines()
    ]
    chats = [
        {"messages": [*one["messages"], {"role": "assistant", "content": one["reference_answer"]}]}
        for one in rows[:120]
    ]
    shown = submit(
        every_engine, "shown",
        f"base_model: {BASE}\nmethod: single-turn\nbudget_usd: 90\ndata: {{train: train.jsonl}}\n".encode(),
        jsonl(chats),
    )  # fmt: skip
    first = every_engine.approved(shown, SECONDS)
    graded = submit(
        every_engine, "graded",
        b"from: shown\nmethod: reinforcement\nhyperparameters: {max_epochs: 1, rollout_n: 2}\n"
        b"budget_usd: 90\ndata: {train: train.jsonl}\n",
        examples / "graded-answers" / "train.jsonl",
    )  # fmt: skip
    second = every_engine.approved(graded, SECONDS)
    liked = submit(
        every_engine, "liked",
        b"from: graded\nmethod: preference\nbudget_usd: 90\ndata: {train: train.jsonl}\n",
        examples / "preferred-answers" / "train.jsonl",
    )  # fmt: skip
    third = every_engine.approved(liked, SECONDS)
    back = submit(
        every_engine, "back",
        b"from: graded\nmethod: single-turn\nbudget_usd: 90\ndata: {train: train.jsonl}\n",
        jsonl(chats),
    )  # fmt: skip
    refused = every_engine.closed(back, SECONDS)

    models = [whole(one, "job", CompletedJob).model_arn for one in (first, second, third)]
    assert [config_of(every_engine, one)["CustomizationTechnique"] for one in (second, third)] == [
        "RLVR",
        "DPO",
    ]
    assert config_of(every_engine, second)["package"]["SourceModelPackageArn"] == models[0]
    assert config_of(every_engine, third)["package"]["SourceModelPackageArn"] == models[1]
    assert whole(second, "dataset", Dataset).method == "reinforcement"
    assert refused.status == "refused"
    assert refused.failure is not None
    assert "was tuned by reinforcement, and single-turn cannot go on with that" in refused.failure.cause
    assert not refused.actual_usd
    done = Teardown(every_engine.aws, every_engine.stage, None, lambda *_: None).run()
    assert done.remaining == {}
    assert any(":hub-content/tunedrop-localopen/" in arn for arn in done.deleted)

"""Reinforcement through the OpenAI-compatible API: tuned, graded, promoted, and what cannot be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.driver import Pipeline
from local.embedded import Embedded
from tests.end_to_end.runs import stopped_while_starved, submit, whole
from tunedrop.contracts import CompletedJob, Estimate, Evaluation, Promotion, Serving
from tunedrop.registry.aliases import Aliases
from tunedrop.results.side_by_side import Models
from tunedrop.results.teardown import Teardown
from tunedrop.training import engines

SECONDS = 600.0
QWEN = b"""
method: reinforcement
base_model: qwen.qwen3-32b
engine: mantle
hyperparameters: {n_epochs: 8, batch_size: 32}
budget_usd: 50
data: {train: train.jsonl}
"""
GPT_OSS = QWEN.replace(b"qwen.qwen3-32b\nengine: mantle", b"openai.gpt-oss-20b")
STAYS = "no documented operation of AWS deletes a model that bedrock-mantle has tuned"


@pytest.fixture
def stage(west: Pipeline, embedded: Embedded) -> Iterator[Pipeline]:
    yield west
    embedded.faults.set()


def test_a_model_is_tuned_by_grades_and_used_on_demand_and_what_cannot_be_deleted_is_announced(
    stage: Pipeline, examples: Path
) -> None:
    run_id = submit(stage, "graded-west", QWEN, examples / "graded-answers" / "train.jsonl")
    assert stage.asked(run_id).kind == "approval"
    held = stage.registry.get(run_id)
    assert held is not None
    assert held.run.base_model == "qwen.qwen3-32b:mantle"
    assert any(STAYS in one for one in whole(held, "estimate", Estimate).approval_reasons)
    assert list(stage.aws.mantle.list_files()["data"]) == []

    record = stage.approved(run_id, SECONDS)

    assert record.status == "promoted", record.failure
    job, serving = whole(record, "job", CompletedJob), whole(record, "serving", Serving)
    assert (serving.way, serving.model_arn) == ("mantle", job.model_arn)
    decisive = whole(record, "evaluation", Evaluation).decisive
    assert decisive is not None
    assert decisive.metric == "reward"
    assert decisive.base < decisive.tuned
    aliases = Aliases(stage.aws.ssm, stage.aws.dynamodb, stage.stage)
    assert aliases.current("graded-west") == whole(record, "promotion", Promotion).model_id == serving.arn
    report = stage.artifact(f"runs/{run_id}/report.html").decode()
    assert "from openai import OpenAI" in report

    asking = Models(stage.aws, stage.stage, record)
    said = asking.ask(asking.contenders(("tuned", "base")), "Is this fine?", "")
    assert [one.error for one in said] == ["", ""]

    for _ in range(2):  # what stays is said each time
        done = Teardown(stage.aws, stage.stage, run_id, lambda *_: None).run()
        assert list(done.remaining) == [job.model_arn]
        assert STAYS in done.remaining[job.model_arn]
    assert list(stage.aws.mantle.list_files()["data"]) == []
    assert aliases.current("graded-west") in (None, "")


def test_a_run_that_is_stopped_while_it_waits_for_capacity_leaves_no_job_and_no_file(
    stage: Pipeline, embedded: Embedded, examples: Path
) -> None:
    embedded.faults.set(no_capacity=True)
    run_id = submit(stage, "starved-west", GPT_OSS, examples / "graded-answers" / "train.jsonl")

    stopped_while_starved(stage, run_id, engines.named("mantle"), SECONDS)

    assert list(stage.aws.mantle.list_files()["data"]) == []

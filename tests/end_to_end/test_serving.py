"""What only some base models have: both ways of serving, images, a grader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from local.driver import Pipeline
from tests import pictures
from tests.datasets import jsonl, single_turn
from tunedrop import clock, naming
from tunedrop.contracts import (
    ActualCost,
    CompletedJob,
    Dataset,
    Estimate,
    Evaluation,
    Preflight,
    Promotion,
    Released,
    Serving,
)
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import throughput
from tunedrop.serving.sweep import in_service

PROVISIONED_IN_PRODUCTION = b"""
data: {train: train.jsonl}
deployment: {mode: provisioned, keep_for: 1h}
"""


def finished(pipeline: Pipeline, name: str, manifest: bytes) -> Record:
    """A run that is approved: throughput that is kept costs more than a run may unasked."""
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    version = pipeline.put(f"runs/{name}/run.yaml", manifest)
    return pipeline.approved(pipeline.run_of(name, version).run.run_id)


def test_throughput_is_bought_only_after_the_gate_and_kept_as_long_as_requested(pipeline: Pipeline) -> None:
    record = finished(pipeline, "production", PROVISIONED_IN_PRODUCTION)

    serving = record.document("serving", Serving)
    released = record.document("released", Released)
    promotion = record.document("promotion", Promotion)
    steps = [step.step for step in pipeline.registry.steps(record.run.run_id)]
    assert record.status == "promoted", record.failure
    assert serving is not None
    assert serving.way == "provisioned"
    assert steps.count("set_up_throughput") == 2
    assert steps.index("evaluate_model") < len(steps) - 1 - steps[::-1].index("set_up_throughput")
    assert released is not None
    assert released.kept == (serving.arn,)
    assert [throughput.way_of(arn) for arn in released.released] == ["on-demand"]
    assert promotion is not None
    assert serving.arn in Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage).all().values()
    served = in_service(pipeline.aws, pipeline.stage)
    (serves,) = [one for one in served if one.run_id == record.run.run_id]
    assert (serves.arn, serves.expires_at) == (serving.arn, promotion.kept_until)
    assert serving.created_at < clock.after(promotion.kept_until, -3_600) <= record.ended_at

    throughput.release(pipeline.aws.bedrock, serving.arn)


def with_pictures(name: str) -> list[dict[str, Any]]:
    """Questions about pictures that lie beside the dataset, eight of them."""
    records = single_turn(name)
    for number, record in enumerate(records):
        place = {"s3Location": {"uri": f"images/part{number % 8}.png"}}
        record["messages"][0]["content"].append({"image": {"format": "png", "source": place}})
    return records


def test_images_beside_a_dataset_are_trained_on_and_shown_in_the_evaluation(pipeline: Pipeline) -> None:
    for number in range(8):
        pipeline.put(f"runs/pictures/images/part{number}.png", pictures.png(8 + number, 8))
    pipeline.put("runs/pictures/train.jsonl", jsonl(with_pictures("pictures")))
    version = pipeline.put("runs/pictures/run.yaml", b"data: {train: train.jsonl}\n")

    record = pipeline.approved(pipeline.run_of("pictures", version).run.run_id)

    dataset, run_id = record.document("dataset", Dataset), record.run.run_id
    evaluation = record.document("evaluation", Evaluation)
    assert record.status == "promoted", record.failure
    assert dataset is not None
    train = pipeline.artifact(naming.dataset_key(run_id, "train")).decode()
    assert "images/part" not in train
    copies = set(re.findall(rf"{naming.media_key(run_id, '')}[0-9a-f]{{16}}/part[0-7]\.png", train))
    assert len(copies) == 8
    assert {pipeline.artifact(copy) for copy in copies} == {pictures.png(8 + n, 8) for n in range(8)}
    assert evaluation is not None
    assert evaluation.failed_prompts == 0


def test_an_image_that_is_missing_refuses_the_run_before_anything_is_paid(pipeline: Pipeline) -> None:
    pipeline.put("runs/blind/train.jsonl", jsonl(with_pictures("blind")))
    version = pipeline.put("runs/blind/run.yaml", b"data: {train: train.jsonl}\n")

    record = pipeline.closed(pipeline.run_of("blind", version).run.run_id)

    assert record.status == "refused"
    assert record.failure is not None
    assert "train.jsonl line 1 $.messages[0].content[1].image" in record.failure.cause
    assert "there is no object" in record.failure.cause


def test_the_registry_holds_estimate_against_actual(pipeline: Pipeline) -> None:
    record = finished(pipeline, "books", b"data: {train: train.jsonl}\n")

    estimate, cost = record.document("estimate", Estimate), record.document("cost", ActualCost)
    assert estimate is not None
    assert cost is not None
    assert "training" in {line.item for line in cost.lines}
    assert [line.item for line in cost.forecast] == ["model storage"]
    assert record.estimated_usd == pytest.approx(estimate.likely)
    assert record.actual_usd == pytest.approx(cost.likely)


def test_a_model_learns_by_being_graded(pipeline: Pipeline, examples: Path) -> None:
    name = pipeline.submit(examples / "graded-answers")
    run_id = pipeline.run_named(name).run.run_id
    pipeline.approve(run_id)  # no dated price is known for reinforcement

    record = pipeline.closed(run_id)

    job = record.document("job", CompletedJob)
    evaluation = record.document("evaluation", Evaluation)
    preflight = record.document("preflight", Preflight)
    assert record.status == "promoted", record.failure
    assert record.run.grader == pipeline.stage.grader_arn
    assert preflight is not None
    assert [one.detail for one in preflight.checks if one.name == "grader"] == [
        f"the grader {pipeline.stage.grader_arn}: graded two records"
    ]
    assert job is not None
    assert job.validation_loss is not None
    assert job.validation_loss < 0.5
    assert evaluation is not None
    assert evaluation.decisive is not None
    assert evaluation.decisive.tuned > 0.8


def test_a_grader_that_this_stage_does_not_allow_is_refused(pipeline: Pipeline, examples: Path) -> None:
    theirs = "arn:aws:lambda:us-east-1:999999999999:function:theirs"
    manifest = (examples / "graded-answers" / "run.yaml").read_text() + f"grader: {theirs}\n"
    pipeline.put("runs/theirs/train.jsonl", examples / "graded-answers" / "train.jsonl")

    record = pipeline.closed(
        pipeline.run_of("theirs", pipeline.put("runs/theirs/run.yaml", manifest.encode())).run.run_id
    )

    assert record.status == "refused"
    assert record.failure is not None
    assert f"this stage does not allow {theirs}" in record.failure.cause

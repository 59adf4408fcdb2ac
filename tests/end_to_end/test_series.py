"""Runs of several jobs: stages that follow each other, a search, tuning a custom model further."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest

from local.driver import Pipeline, until
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import CompletedJob, Estimate, Evaluation, Released, StartedJob
from tunedrop.registry import Record

T = TypeVar("T")

FURTHER = b"from: transfer\nmethod: single-turn\ndata: {train: train.jsonl}\n"


def models_of(pipeline: Pipeline, record: Record) -> set[str]:
    answer = pipeline.aws.bedrock.list_custom_models(nameContains=record.run.run_id)
    return {model["modelArn"] for model in answer["modelSummaries"]}


def jobs_of(pipeline: Pipeline, run_id: str) -> dict[str, str]:
    answer = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=run_id)
    return {job["jobName"]: job["jobArn"] for job in answer["modelCustomizationJobSummaries"]}


def document_of(record: Record, name: str, shape: type[T]) -> T:
    found = record.document(name, shape)
    assert found is not None, record.failure
    return found


def test_a_second_stage_goes_on_with_the_first_ones_model_also_when_it_has_to_be_tried_again(
    embedded: Embedded, pipeline: Pipeline, examples: Path
) -> None:
    name = pipeline.submit(examples / "domain-expert")
    run_id = pipeline.run_named(name).run.run_id
    pipeline.approve(run_id)  # no dated price is known for its base model
    until(lambda: jobs_of(pipeline, run_id) or None, "the first stage's job")
    embedded.faults.set(fail_jobs={"name_ends": "-1b", "message": "Bedrock lost the second stage."})
    failed = pipeline.closed(run_id)
    embedded.faults.set()

    pipeline.retry(run_id)
    until(lambda: pipeline.registry.get(run_id) if is_second_attempt(pipeline, run_id) else None, "the retry")
    pipeline.approve(run_id)  # of this attempt: the approval before was of the first
    record = pipeline.closed(run_id)

    assert failed.status == "failed"
    assert failed.failure is not None
    assert "stage 2 of 2, instruction: " in failed.failure.cause
    assert record.status == "promoted", record.failure
    assert sorted(jobs_of(pipeline, run_id)) == [
        f"tunedrop-local-{run_id}",
        f"tunedrop-local-{run_id}-1b",
        f"tunedrop-local-{run_id}-2b",
    ]
    first, second = document_of(record, "started", StartedJob).series
    assert (first.method, second.method) == ("continued-pretraining", "instruction")
    assert first.job is not None
    # That the second job starts from the first one's model is asserted on its request (tests/unit/training):
    # of a model that was tuned further too, AWS names the foundation model (the pattern of baseModelArn).
    made = pipeline.aws.bedrock.get_model_customization_job(jobIdentifier=second.job_arn)
    assert made["baseModelArn"].endswith("::foundation-model/amazon.titan-text-express-v1:0:8k")
    assert first.job.model_arn in document_of(record, "released", Released).released
    assert models_of(pipeline, record) == {document_of(record, "job", CompletedJob).model_arn}


def is_second_attempt(pipeline: Pipeline, run_id: str) -> bool:
    record = pipeline.registry.get(run_id)
    return record is not None and record.run.attempt == 2


def test_a_search_evaluates_the_candidate_with_the_least_validation_loss_and_deletes_the_others(
    embedded: Embedded, pipeline: Pipeline, examples: Path
) -> None:
    embedded.faults.set(fail_jobs={"name_ends": "-1b", "message": "Bedrock lost one candidate."})

    record = pipeline.finished(pipeline.submit(examples / "hyperparameter-search"))

    started = document_of(record, "started", StartedJob)
    job = document_of(record, "job", CompletedJob)
    estimate = document_of(record, "estimate", Estimate)
    assert record.status == "promoted", record.failure
    assert [one.status for one in started.series] == ["trained", "failed", "trained", "trained"]
    losses = [one.job.validation_loss for one in started.series if one.job is not None]
    assert len(set(losses)) > 1
    assert job.validation_loss == min(loss for loss in losses if loss is not None)
    assert [one.job for one in started.series if one.chosen] == [job]
    assert models_of(pipeline, record) == {job.model_arn}
    assert len([line for line in estimate.lines if line.item.startswith("training")]) == 4
    assert document_of(record, "evaluation", Evaluation).done


def test_a_run_that_is_stopped_during_a_search_stops_all_its_jobs(
    embedded: Embedded, pipeline: Pipeline, examples: Path
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    name = pipeline.submit(examples / "hyperparameter-search", "search-stopped")
    run_id = pipeline.run_named(name).run.run_id
    until(lambda: len(jobs_of(pipeline, run_id)) > 1 or None, "two candidates at once")

    pipeline.stop(run_id)
    record = pipeline.closed(run_id)

    assert record.status == "stopped"
    for arn in jobs_of(pipeline, run_id).values():
        job = pipeline.aws.bedrock.get_model_customization_job(jobIdentifier=arn)
        assert job["status"] in ("Stopping", "Stopped")


@pytest.fixture
def parent(pipeline: Pipeline) -> Record:
    return pipeline.finished(pipeline.drop("transfer", jsonl(single_turn("parent"))))


def test_the_model_of_an_earlier_run_is_tuned_further(pipeline: Pipeline, parent: Record) -> None:
    pipeline.put("runs/further/train.jsonl", jsonl(single_turn("further")))
    version = pipeline.put("runs/further/run.yaml", FURTHER)

    record = pipeline.closed(pipeline.run_of("further", version).run.run_id)

    job = document_of(record, "job", CompletedJob)
    made = pipeline.aws.bedrock.get_custom_model(modelIdentifier=job.model_arn)
    assert record.status == "promoted", record.failure
    assert record.run.parent_model == document_of(parent, "job", CompletedJob).model_arn
    # Of a model that was tuned further too, AWS names the foundation model (the pattern of baseModelArn).
    assert made["baseModelArn"].endswith(f"::foundation-model/{record.run.base_model}")

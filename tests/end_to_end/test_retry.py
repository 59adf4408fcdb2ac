"""A run that failed goes on from where it was; a model that was trained is not trained again."""

from __future__ import annotations

from datetime import UTC, datetime

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import CompletedJob, Evaluation
from tunedrop.registry import Record


def retried(pipeline: Pipeline, run_id: str) -> Record:
    pipeline.put(f"runs/{run_id}/retry", b"")
    until(lambda: _is_second_attempt(pipeline, run_id), "the second attempt")
    return pipeline.closed(run_id)


def _is_second_attempt(pipeline: Pipeline, run_id: str) -> bool | None:
    record = pipeline.registry.get(run_id)
    return (record is not None and record.run.attempt == 2) or None


def jobs_of(pipeline: Pipeline, run_id: str) -> list[str]:
    answer = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=run_id)
    return sorted(job["jobName"] for job in answer["modelCustomizationJobSummaries"])


def test_a_run_whose_job_failed_trains_under_a_new_name(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(fail_next_job="Something went wrong in Bedrock.")
    failed = pipeline.finished(pipeline.drop("retry-job", jsonl(single_turn("retry-job"))))
    run_id = failed.run.run_id

    record = retried(pipeline, run_id)

    assert failed.status == "failed"
    assert record.status == "promoted"
    assert jobs_of(pipeline, run_id) == [f"tunedrop-local-{run_id}", f"tunedrop-local-{run_id}-2"]
    assert [one.attributes["outcome"] for one in inbox.messages(run_id)] == ["failed", "promoted"]


def test_a_run_that_failed_after_training_is_not_trained_again(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    refused = {"operation": "Converse", "times": 10_000, "error": "AccessDeniedException"}
    embedded.faults.set(calls=[refused])
    failed = pipeline.finished(pipeline.drop("retry-late", jsonl(single_turn("retry-late"))))
    embedded.faults.set()

    record = retried(pipeline, failed.run.run_id)

    assert failed.failure is not None
    assert failed.failure.error == "EvaluationFailed"
    assert record.status == "promoted"
    assert len(jobs_of(pipeline, failed.run.run_id)) == 1
    assert record.document("job", CompletedJob) == failed.document("job", CompletedJob)
    evaluation = record.document("evaluation", Evaluation)
    assert evaluation is not None
    assert evaluation.failed_prompts == 0
    steps = [step.step for step in pipeline.registry.steps(record.run.run_id)]
    assert steps.count("validate_data") == 1
    assert steps.count("start_customization") == 1


def test_a_run_that_was_stopped_goes_on_in_spite_of_the_old_stop_object(pipeline: Pipeline) -> None:
    name = pipeline.drop("retry-stopped", jsonl(single_turn("retry-stopped")))
    run_id = pipeline.run_named(name).run.run_id
    pipeline.put(f"runs/{run_id}/stop", b"")
    stopped = pipeline.closed(run_id)
    until(lambda: _second_has_passed(pipeline, run_id), "S3's next second")

    record = retried(pipeline, run_id)

    assert stopped.status == "stopped"
    assert record.status == "promoted"


def _second_has_passed(pipeline: Pipeline, run_id: str) -> bool | None:
    """S3 tells times in whole seconds: a stop in the second of the retry counts as one that came after it."""
    head = pipeline.aws.s3.head_object(Bucket=pipeline.stage.intake_bucket, Key=f"runs/{run_id}/stop")
    return (datetime.now(UTC) - head["LastModified"]).total_seconds() > 1 or None

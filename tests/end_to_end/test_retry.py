"""A run that failed goes on from where it was; a model that was trained is not trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, many_held_out, single_turn
from tests.end_to_end.terminal import Tunedrop
from tunedrop.contracts import CompletedJob, Estimate, Evaluation
from tunedrop.registry import Record


def retried(pipeline: Pipeline, run_id: str) -> Record:
    pipeline.retry(run_id)
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
    assert steps.count("estimate_cost") == 2
    assert (record.actual_usd or 0.0) >= (failed.actual_usd or 0.0) > 0.0


def test_a_run_that_was_stopped_goes_on_in_spite_of_the_old_stop_object(
    embedded: Embedded, pipeline: Pipeline
) -> None:
    embedded.faults.set(training_minutes=A_DAY)
    name = pipeline.drop("retry-stopped", jsonl(single_turn("retry-stopped")))
    run_id = pipeline.run_named(name).run.run_id
    pipeline.stop(run_id)
    stopped = pipeline.closed(run_id)
    embedded.faults.set()

    record = retried(pipeline, run_id)

    assert stopped.status == "stopped"
    assert record.status == "promoted"


def test_an_inconclusive_run_gets_its_verdict_from_more_examples_and_no_second_training(
    pipeline: Pipeline, inbox: Inbox, tunedrop: Tunedrop, tmp_path: Path
) -> None:
    few, more = many_held_out("retry-more")[:5], many_held_out("retry-more")[5:]
    name = submit(pipeline, "retry-more", few)
    run_id = pipeline.run_named(name).run.run_id
    inconclusive = pipeline.approved(run_id)

    pipeline.put(f"runs/{name}/held.jsonl", jsonl([*few, single_turn("retry-more")[0]]))
    refused = retried(pipeline, run_id)
    (tmp_path / "held.jsonl").write_bytes(jsonl([*few, *more]))
    tunedrop("retry", name, "--test", str(tmp_path / "held.jsonl"), "--watch", "--yes")

    record = pipeline.closed(run_id)
    first = inconclusive.document("estimate", Estimate)
    assert first is not None
    assert "cannot decide whether its model is better" in first.approval_reasons[0]
    assert (inconclusive.status, refused.status, record.status) == ("inconclusive", "refused", "promoted")
    assert refused.failure is not None
    assert "training records cannot be held out" in refused.failure.cause
    assert refused.verdict is not None
    assert (refused.verdict.attempt, refused.verdict.outcome) == (1, "inconclusive")
    assert len(jobs_of(pipeline, run_id)) == 1
    assert record.document("job", CompletedJob) == inconclusive.document("job", CompletedJob)
    estimate, evaluation = record.document("estimate", Estimate), record.document("evaluation", Evaluation)
    assert estimate is not None
    assert "training" not in [line.item for line in estimate.lines]
    assert evaluation is not None
    assert evaluation.records == len(few) + len(more)
    steps = [step.step for step in pipeline.registry.steps(run_id)]
    assert steps.count("start_customization") == 1
    request, *told = inbox.messages(run_id)
    assert request.attributes["event"] == "approval-required"
    assert [one.attributes["outcome"] for one in told] == ["inconclusive", "refused", "promoted"]
    assert f"tunedrop retry {run_id}" in told[0].text
    assert "The verdict of attempt 1 stays: inconclusive" in told[1].text
    assert f"of run {run_id}, re-evaluated in attempt 3, without training" in told[-1].text


def test_a_retry_whose_model_was_deleted_reports_it_and_trains_nothing(
    pipeline: Pipeline, inbox: Inbox, tunedrop: Tunedrop
) -> None:
    name = submit(pipeline, "retry-gone", many_held_out("retry-gone")[:5])
    run_id = pipeline.run_named(name).run.run_id
    inconclusive = pipeline.approved(run_id)
    tunedrop("teardown", run_id, "--yes")

    record = retried(pipeline, run_id)

    assert record.status == "failed"
    assert record.failure is not None
    assert record.failure.error == "ModelDeleted", record.failure.cause
    assert record.actual_usd == inconclusive.actual_usd
    assert len(jobs_of(pipeline, run_id)) == 1
    assert "Upload the data again to train a new model" in inbox.messages(run_id)[-1].text


def submit(pipeline: Pipeline, name: str, held_out: list[dict[str, Any]]) -> str:
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    pipeline.put(f"runs/{name}/held.jsonl", jsonl(held_out))
    pipeline.put(f"runs/{name}/run.yaml", b"data: {train: train.jsonl, test: held.jsonl}\n")
    return name

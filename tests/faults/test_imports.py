"""What goes wrong with weights that are trained elsewhere and imported, what is said, and what is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.driver import Pipeline, until
from local.embedded import Embedded
from tests.end_to_end.runs import stopped_while_starved, submit
from tunedrop.contracts import Evaluation
from tunedrop.registry import Record
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory
from tunedrop.training import engines

SECONDS = 600.0
ASLEEP = {"operation": "InvokeModel", "times": 8, "error": "ModelNotReadyException"}
FULL = {"operation": "CreateModelImportJob", "times": 2, "error": "ServiceQuotaExceededException"}


@pytest.fixture
def stage(every_engine: Pipeline, embedded: Embedded) -> Iterator[Pipeline]:
    """The stage, which afterwards serves nothing, runs nothing, and can be torn down to nothing."""
    yield every_engine
    embedded.faults.set()
    assert Teardown(every_engine.aws, every_engine.stage, None, lambda *_: None).run().remaining == {}


def submitted(stage: Pipeline, name: str, base_model: str = "qwen.qwen3-4b") -> str:
    manifest = f"base_model: {base_model}\nmethod: single-turn\nbudget_usd: 90\n"
    return submit(stage, name, f"{manifest}data: {{train: train.jsonl}}\n".encode())


def left(stage: Pipeline, run_id: str) -> set[str]:
    """The kinds of what a run has left: weights cost their storage, everything else is billed or runs."""
    return {one.kind for one in inventory.of_run(stage.aws, stage.stage, run_id)}


def test_an_architecture_that_bedrock_does_not_import_fails_the_run_by_its_name(
    stage: Pipeline, embedded: Embedded
) -> None:
    embedded.faults.set(architecture="Qwen3_5ForCausalLM")

    record = stage.approved(submitted(stage, "unsupported"), SECONDS)

    assert record.status == "failed"
    assert "The model architecture Qwen3_5ForCausalLM is not supported" in cause(record)
    assert left(stage, record.run.run_id) == {"trained model"}


def test_more_units_than_were_estimated_are_not_paid_beyond_the_budget(
    stage: Pipeline, embedded: Embedded
) -> None:
    embedded.faults.set(model_units=400)

    record = stage.approved(submitted(stage, "large"), SECONDS)

    assert record.status == "refused"
    assert "the imported model has 400 units a copy" in cause(record)
    assert left(stage, record.run.run_id) == {"trained model"}


def test_an_unaccepted_licence_is_reported_before_anything_is_paid(stage: Pipeline) -> None:
    record = stage.closed(submitted(stage, "unlicensed", "meta.llama3-1-8b-instruct"), SECONDS)

    assert record.status == "refused"
    assert "the Llama 3.1 Community License, which nobody has accepted" in cause(record)
    assert left(stage, record.run.run_id) == set()
    assert record.actual_usd == 0.0


def test_a_job_that_never_starts_is_stopped_and_leaves_nothing(stage: Pipeline, embedded: Embedded) -> None:
    embedded.faults.set(no_capacity=True)
    run_id = submitted(stage, "starved")

    stopped_while_starved(stage, run_id, engines.named("sagemaker-serverless"), SECONDS)

    assert left(stage, run_id) == set()


def test_events_that_are_lost_a_full_quota_and_models_that_sleep_cost_only_time(
    stage: Pipeline, embedded: Embedded
) -> None:
    embedded.faults.set(events="never", calls=[FULL, ASLEEP])

    record = stage.approved(submitted(stage, "troubled", "qwen.qwen3-32b"), SECONDS)

    assert record.status == "promoted", record.failure
    assert left(stage, record.run.run_id) == {"imported model", "trained model"}


def test_a_base_model_that_cannot_be_imported_leaves_the_verdict_open_until_a_retry(
    stage: Pipeline, embedded: Embedded
) -> None:
    embedded.faults.set(fail_imports={"name_has": "-base-", "message": "An internal error occurred."})
    run_id = submitted(stage, "uncompared")

    record = stage.approved(run_id, SECONDS)

    evaluation = record.document("evaluation", Evaluation)
    assert evaluation is not None, record.failure
    assert (record.status, evaluation.rejected_for) == ("inconclusive", "base model")
    assert "Bedrock could not import it: An internal error occurred." in evaluation.reason
    assert left(stage, run_id) == {"trained model"}
    report = stage.artifact(f"runs/{run_id}/report.html").decode()
    assert "could not be compared with its base model" in report
    assert f"tunedrop retry {run_id}" in report

    embedded.faults.set()
    stage.retry(run_id)
    until(lambda: stage.registry.get(run_id) if is_open(stage, run_id) else None, "the retry", SECONDS)
    again = stage.approved(run_id, SECONDS)

    assert again.run.attempt == 2
    found = again.document("evaluation", Evaluation)
    assert found is not None
    assert found.verdict == "promote"


def is_open(stage: Pipeline, run_id: str) -> bool:
    record = stage.registry.get(run_id)
    return record is not None and record.run.attempt == 2


def cause(record: Record) -> str:
    assert record.failure is not None
    return record.failure.cause

"""A second stage of the account, in another Region, with settings of its own."""

from __future__ import annotations

from local.driver import Inbox, Pipeline
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop.registry import Record


def test_a_run_is_tuned_and_promoted_beside_the_stage_of_the_first_region(
    west: Pipeline, pipeline: Pipeline
) -> None:
    record = west.finished(west.drop("second", jsonl(single_turn("second"))))

    assert record.status == "promoted", record.failure
    assert record.run.base_model.startswith("meta.llama3-3")
    assert pipeline.registry.get(record.run.run_id) is None


def test_a_run_that_nobody_approves_is_refused_after_the_stages_time_limit(west: Pipeline) -> None:
    with west.inbox() as inbox:
        west.put("runs/unanswered/train.jsonl", jsonl(single_turn("unanswered")))
        west.put("runs/unanswered/run.yaml", b"budget_usd: 0.01\ndata: {train: train.jsonl}\n")

        record = west.finished("unanswered", 150.0)

        assert record.status == "refused"
        assert _events(inbox, record) == ["approval-required", "run-ended"]
    assert record.failure is not None
    assert "nobody approved the run" in record.failure.cause
    assert record.actual_usd == 0.0


def test_a_base_model_that_is_legacy_today_is_refused_with_what_to_take(
    embedded: Embedded, west: Pipeline
) -> None:
    embedded.faults.set(lifecycle_on="2026-11-29")

    record = west.finished(west.drop("legacy", jsonl(single_turn("legacy"))))

    assert record.status == "refused"
    assert record.failure is not None
    assert "is Legacy" in record.failure.cause
    assert "Take amazon.nova-" in record.failure.cause
    assert record.actual_usd == 0.0


def _events(inbox: Inbox, record: Record) -> list[str]:
    return [one.attributes["event"] for one in inbox.messages(record.run.run_id)]

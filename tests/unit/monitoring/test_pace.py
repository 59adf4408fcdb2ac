from __future__ import annotations

import msgspec

from tests import builders
from tunedrop.monitoring.pace import learn, pace, remaining
from tunedrop.monitoring.timeline import Step
from tunedrop.registry import Record, Registry, StepRecord


def record(tokens: int = 20_000, run_id: str = "persona-0123456789", status: str = "running") -> Record:
    dataset = builders.dataset(train=msgspec.structs.replace(builders.dataset().train, tokens=tokens))
    return Record(
        run=builders.run(run_id=run_id),
        status=status,
        documents={"dataset": msgspec.json.encode(dataset).decode()},
    )


def step(name: str, minutes: int) -> StepRecord:
    return StepRecord(
        step=name, started_at="2026-11-23T10:00:00Z", ended_at=f"2026-11-23T10:{minutes:02}:00Z"
    )


def test_training_is_scaled_by_its_tokens_and_nothing_else_is() -> None:
    earlier = (record(tokens=10_000), [step("wait_for_training", 10), step("evaluate_model", 2)])

    assert pace(record(tokens=20_000), [earlier]) == {"wait_for_training": 1200, "evaluate_model": 120}


def test_what_is_left_is_what_earlier_runs_took_less_what_has_passed() -> None:
    steps = [
        Step(name="wait_for_training", state="going on", seconds=200),
        Step(name="evaluate_model", state="to come"),
    ]

    assert remaining(steps, {"wait_for_training": 1200, "evaluate_model": 120}) == 1120


def test_an_approval_has_no_estimated_duration() -> None:
    steps = [Step(name="wait_for_approval", state="going on"), Step(name="evaluate_model", state="to come")]

    assert remaining(steps, {"evaluate_model": 120}) is None


def test_without_an_earlier_run_there_is_no_forecast() -> None:
    assert remaining([Step(name="evaluate_model", state="to come")], {}) is None


def test_only_runs_of_the_same_base_model_that_went_to_their_end_count(registry: Registry) -> None:
    for run_id, base_model, status in (
        ("a-1", builders.NOVA_LITE, "promoted"),
        ("b-1", builders.LLAMA_3_1, "promoted"),
        ("c-1", builders.NOVA_LITE, "failed"),
    ):
        registry.register(builders.run(run_id=run_id, name=run_id, base_model=base_model))
        registry.start_step(run_id, "evaluate_model", "2026-11-23T10:00:00Z")
        registry.end_step(run_id, "evaluate_model", "2026-11-23T10:00:00Z")
        registry.end(run_id, status, None)
    took = registry.steps("a-1")[0]

    found = learn(registry, record())

    assert list(found) == ["evaluate_model"]
    assert took.ended_at

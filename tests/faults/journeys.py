"""The journeys that faults are tried on, and what must hold after each, whatever was broken."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from local.driver import Inbox, Pipeline, until
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import ActualCost, CompletedJob, Evaluation
from tunedrop.registry import Record

PROVISIONED = b"""
method: single-turn
base_model: amazon.titan-text-express-v1:0:8k
data: {train: train.jsonl}
hyperparameters: {epoch_count: 5, learning_rate: 1e-4}
budget_usd: 0.01
"""
RELEASED = b"data: {train: train.jsonl}\ndeployment: {keep_for: 0s}\n"
JUDGED = b"""
data: {train: train.jsonl}
evaluation: {metric: judge, judge: {model: "amazon.nova-pro-v1:0", via: evaluation-job}}
"""
SECONDS = 300.0

_NUMBERS = itertools.count(1)


def fresh(name: str) -> str:
    """A name that had no run: data that is in production already is as good as that, so is not promoted."""
    return f"{name}-{next(_NUMBERS)}"


def on_demand(pipeline: Pipeline) -> Record:
    """A dropped file, served on demand."""
    run = _dropped(pipeline)
    return pipeline.closed(run.run.run_id, SECONDS)


def provisioned(pipeline: Pipeline) -> Record:
    """A run over its budget that is approved, served by provisioned throughput."""
    name = fresh("fault-provisioned")
    pipeline.put(f"runs/{name}/train.jsonl", _data())
    version = pipeline.put(f"runs/{name}/run.yaml", PROVISIONED)
    return pipeline.approved(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)


def released(pipeline: Pipeline) -> Record:
    """A run whose model is promoted and taken out of service at once."""
    return _submitted(pipeline, fresh("fault-released"), RELEASED)


def judged(pipeline: Pipeline) -> Record:
    """A run that Bedrock's own evaluation jobs decide."""
    return _submitted(pipeline, fresh("fault-judged"), JUDGED)


def stopped(pipeline: Pipeline) -> Record:
    """A run that its owner stops while it trains: `training_minutes` say how much time there is for it."""
    run_id = _dropped(pipeline).run.run_id
    until(lambda: is_training(pipeline, run_id), "a job at work", SECONDS)
    pipeline.stop(run_id)
    return pipeline.closed(run_id, SECONDS)


def minutes_of(journey: Journey) -> dict[str, float]:
    """The switches of the emulator with which a journey's jobs take the time that it needs."""
    return {"training_minutes": A_DAY} if journey is stopped else {}


def _submitted(pipeline: Pipeline, name: str, manifest: bytes) -> Record:
    pipeline.put(f"runs/{name}/train.jsonl", _data())
    version = pipeline.put(f"runs/{name}/run.yaml", manifest)
    return pipeline.closed(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)


def _dropped(pipeline: Pipeline) -> Record:
    name = fresh("fault-on-demand")
    version = pipeline.put(f"drop/{name}.jsonl", _data())
    return pipeline.run_of(name, version, SECONDS)


def _data() -> bytes:
    """The same every time: each upload of it is a version, and a run, of its own."""
    return jsonl(single_turn("fault"))


def is_training(pipeline: Pipeline, run_id: str) -> bool | None:
    """True once the run waits for its job."""
    return any(step.step == "wait_for_training" for step in pipeline.registry.steps(run_id)) or None


Journey = Callable[[Pipeline], Record]
ENDS: dict[Journey, tuple[str, str]] = {
    on_demand: ("promoted", "SUCCEEDED"),
    provisioned: ("promoted", "SUCCEEDED"),
    released: ("promoted", "SUCCEEDED"),
    judged: ("promoted", "SUCCEEDED"),
    stopped: ("stopped", "FAILED"),
}
"""How each journey ends: the run's status, and its execution's."""


def assert_ended_as_if_nothing_had_happened(
    journey: Journey, record: Record, pipeline: Pipeline, inbox: Inbox
) -> None:
    """The right state, one job, one final notification, and a registry that tells the truth.

    That nothing bills, the fixture `nothing_bills_afterwards` asserts.
    """
    status, execution_status = ENDS[journey]
    run_id = record.run.run_id
    assert record.status == status, (record.failure, _reason(record), pipeline.registry.steps(run_id))
    states = pipeline.aws.step_functions
    execution = until(
        lambda: _ended(states.describe_execution(executionArn=record.run.execution_arn)),
        "the execution's end",
    )
    assert execution["status"] == execution_status
    (job,) = pipeline.aws.bedrock.list_model_customization_jobs(nameContains=run_id)[
        "modelCustomizationJobSummaries"
    ]
    told = [one for one in inbox.messages(run_id) if one.attributes["event"] == "run-ended"]
    assert [one.attributes["outcome"] for one in told] == [status]
    same = [one for one in pipeline.registry.named(record.run.name) if one.run.source == record.run.source]
    assert len(same) == 1
    assert record.step == ""
    assert record.document("cost", ActualCost) is not None
    if status == "promoted":
        completed = record.document("job", CompletedJob)
        assert completed is not None
        assert completed.job_arn == job["jobArn"]
        assert job["status"] == "Completed"
    else:
        assert job["status"] in ("Stopping", "Stopped")


def _reason(record: Record) -> str:
    """Why the gate decided as it did."""
    evaluation = record.document("evaluation", Evaluation)
    return evaluation.reason if evaluation is not None else ""


def _ended(execution: dict[str, object]) -> dict[str, object] | None:
    return None if execution["status"] == "RUNNING" else execution

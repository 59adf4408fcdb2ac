"""What several files do with runs of a deployed stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from local.driver import Pipeline, until
from tests.datasets import jsonl, single_turn
from tunedrop.registry import Record
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory
from tunedrop.training.engine import TrainingEngine

Shape = TypeVar("Shape", bound=msgspec.Struct)

SECONDS = 300.0


def submit(pipeline: Pipeline, name: str, manifest: bytes, train: bytes | Path | None = None) -> str:
    """Upload records, `single_turn` where none are given, under a manifest; gives the run's id."""
    pipeline.put(f"runs/{name}/train.jsonl", train or jsonl(single_turn(name)))
    version = pipeline.put(f"runs/{name}/run.yaml", manifest)
    return pipeline.run_of(name, version, SECONDS).run.run_id


def reached(pipeline: Pipeline, run_id: str, step: str) -> None:
    """Wait until a run has come to a step."""
    until(
        lambda: any(one.step == step for one in pipeline.registry.steps(run_id)) or None,
        f"{step} of {run_id}", SECONDS,
    )  # fmt: skip


@contextmanager
def woken_by_events_alone(pipeline: Pipeline) -> Iterator[None]:
    """While no schedule resumes the stage's runs: what they wait for has to say so itself."""
    events, stage = pipeline.session.client("events"), pipeline.stage
    function = f"arn:aws:lambda:{stage.region}:{stage.account}:function:tunedrop-{stage.name}-resume-waits"
    rules = [
        name
        for name in events.list_rule_names_by_target(TargetArn=function)["RuleNames"]
        if "ScheduleExpression" in events.describe_rule(Name=name)
    ]
    assert len(rules) == 1
    events.disable_rule(Name=rules[0])
    try:
        yield
    finally:
        events.enable_rule(Name=rules[0])


def stopped_while_starved(pipeline: Pipeline, run_id: str, engine: TrainingEngine, seconds: float) -> None:
    """Approve a run, stop it when its job waits for capacity, and wait until no job is left."""
    pipeline.approve(run_id)
    until(lambda: engine.in_progress(pipeline.aws) or None, "the job", seconds)

    pipeline.stop(run_id)
    record = pipeline.closed(run_id, seconds)

    assert record.status == "stopped"
    until(lambda: None if engine.in_progress(pipeline.aws) else True, "the end of the job", seconds)


def whole(record: Record, name: str, shape: type[Shape]) -> Shape:
    """A result that the run must have."""
    found = record.document(name, shape)
    assert found is not None
    return found


def torn_down(pipeline: Pipeline, run_id: str) -> set[str]:
    """Tear a run with an imported model down; gives the objects that are left of its training."""
    mine = {one.kind for one in inventory.of_run(pipeline.aws, pipeline.stage, run_id)}
    assert mine == {"imported model", "trained model"}

    done = Teardown(pipeline.aws, pipeline.stage, run_id, lambda *_: None).run()

    assert done.remaining == {}
    assert list(inventory.of_run(pipeline.aws, pipeline.stage, run_id)) == []
    left = pipeline.aws.s3.list_object_versions(
        Bucket=pipeline.stage.artifacts_bucket, Prefix=f"runs/{run_id}/training/"
    )
    return {one["Key"] for one in left.get("Versions", [])}

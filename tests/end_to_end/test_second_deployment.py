"""A stage is deployed again, with other settings, while runs wait and train: they end as they would have."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from local.driver import Pipeline, until
from local.embedded import ROOT, Embedded, running
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn

SECONDS = 300.0
KEEPS = (
    "account", "region", "intake_bucket", "artifacts_bucket", "registry_table", "waits_table", "topic_arn",
)  # fmt: skip
CHANGED = {"budget_usd": 0.01, "shard_concurrency": 2, "approval_timeout_seconds": 7200, "sweep_minutes": 10}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded AWS of its own: other tests' stage keeps its settings."""
    with (
        patch.dict(os.environ),
        running(tmp_path_factory.mktemp("second-deployment") / "aws") as embedded,
    ):
        embedded.deploy()
        yield embedded


def settings_with(folder: Path, **changes: Any) -> Path:
    """A folder whose `cdk.json` is ours with another local stage, as somebody who edits it would have."""
    document = json.loads((ROOT / "cdk.json").read_text())
    document["app"] = f"{sys.executable} {ROOT / 'app.py'}"
    document["context"]["stages"]["local"] |= changes
    (folder / "cdk.json").write_text(json.dumps(document))
    return folder


def submit(pipeline: Pipeline, name: str, manifest: bytes) -> str:
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    version = pipeline.put(f"runs/{name}/run.yaml", manifest)
    return pipeline.run_of(name, version, SECONDS).run.run_id


def waits_in(pipeline: Pipeline, run_id: str, step: str) -> None:
    until(
        lambda: any(one.step == step for one in pipeline.registry.steps(run_id)) or None,
        f"{step} of {run_id}", SECONDS,
    )  # fmt: skip


def names_of(pipeline: Pipeline) -> dict[str, str]:
    described = msgspec.to_builtins(pipeline.stage)
    return {key: described[key] for key in KEEPS}


def test_runs_in_flight_end_as_they_would_have(own: Embedded, tmp_path: Path) -> None:
    pipeline = Pipeline(own.session())
    before = names_of(pipeline)
    own.faults.set(training_minutes=A_DAY)
    trained = submit(pipeline, "trained", b"data: {train: train.jsonl}\n")
    stopped = submit(pipeline, "stopped", b"data: {train: train.jsonl}\n")
    unanswered = submit(pipeline, "unanswered", b"data: {train: train.jsonl}\nbudget_usd: 0.01\n")
    waits_in(pipeline, trained, "wait_for_training")
    waits_in(pipeline, stopped, "wait_for_training")
    waits_in(pipeline, unanswered, "wait_for_approval")

    own.deploy(folder=settings_with(tmp_path, **CHANGED))

    pipeline.read("local")
    assert names_of(pipeline) == before
    pipeline.stop(stopped)
    assert pipeline.closed(stopped, SECONDS).status == "stopped"
    own.faults.set()
    pipeline.approve(unanswered)
    assert pipeline.closed(trained, SECONDS).status == "promoted"
    assert pipeline.closed(unanswered, SECONDS).status == "promoted"
    pipeline.retry(stopped)
    assert pipeline.asked(stopped), "the changed budget is that of what begins from now on"
    pipeline.stop(stopped, 2)
    assert pipeline.closed(stopped, SECONDS).status == "stopped"

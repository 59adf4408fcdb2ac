"""The end of a stage with everything that runs make: teardown of all, killed and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from local.driver import Pipeline
from local.embedded import BEFORE_LEGACY, Embedded, running
from local.faults import A_DAY
from tests.end_to_end.runs import SECONDS, reached, submit
from tests.neighbours import job_of_another_stage
from tunedrop.serving import inventory

PROVISIONED = b"""
base_model: amazon.titan-text-express-v1:0:8k
method: single-turn
data: {train: train.jsonl}
hyperparameters: {epoch_count: 5, learning_rate: 1e-4}
deployment: {keep_for: 1d}
"""
JUDGED = b"""
data: {train: train.jsonl}
evaluation: {metric: judge, judge: {model: "amazon.nova-pro-v1:0", via: evaluation-job}}
"""
UNAFFORDABLE = b"data: {train: train.jsonl}\nbudget_usd: 0.01\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded AWS of its own: nothing that runs have made is left there."""
    # The environment is of this AWS for this module alone: tests after it have their own.
    with (
        patch.dict(os.environ),
        running(tmp_path_factory.mktemp("whole-life") / "aws", BEFORE_LEGACY) as embedded,
    ):
        embedded.deploy()
        yield embedded


def fill(own: Embedded, pipeline: Pipeline) -> str:
    """A stage with everything: a model in production, one on bought throughput, runs that train, are judged
    and wait for approval; and a job of another stage with a deceiving name. Gives that job."""
    for run_id in (
        submit(pipeline, "served", b"data: {train: train.jsonl}\n"),
        submit(pipeline, "bought", PROVISIONED),
    ):
        record = pipeline.approved(run_id, SECONDS)
        assert record.status == "promoted", record.failure
    own.faults.set(evaluation_minutes=A_DAY)
    reached(pipeline, submit(pipeline, "judged", JUDGED), "wait_for_judging")
    reached(pipeline, submit(pipeline, "unanswered", UNAFFORDABLE), "wait_for_approval")
    own.faults.set(evaluation_minutes=A_DAY, training_minutes=A_DAY)
    reached(pipeline, submit(pipeline, "training", b"data: {train: train.jsonl}\n"), "wait_for_training")
    return another_stages(pipeline)


def another_stages(pipeline: Pipeline) -> str:
    """A job whose name is as ours are, and whose tag is another stage's."""
    (served, *_) = pipeline.registry.named("served")
    name = f"tunedrop-{pipeline.stage.name}-served-0123456789"
    return job_of_another_stage(pipeline, served, name, "served-0123456789")


def interrupted(own: Embedded, *arguments: str) -> str:
    """The command line, killed once it has said a few things that it did."""
    environment = os.environ | own.environment() | {"PYTHONUNBUFFERED": "1"}
    program = Path(sys.executable).with_name("tunedrop")
    with subprocess.Popen(
        [program, *arguments, "--stage", "local"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGKILL)
    return "".join(said)


def tunedrop(own: Embedded, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("tunedrop"), *arguments, "--stage", "local"],
        env=os.environ | own.environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_teardown_of_a_full_stage_is_killed_goes_on_and_leaves_nothing(own: Embedded) -> None:
    pipeline = Pipeline(own.session())
    theirs = fill(own, pipeline)
    bedrock = pipeline.aws.bedrock
    kinds = {one.kind for one in inventory.resources(pipeline.aws, pipeline.stage, ended_evaluations=True)}
    assert kinds == {"customization job", "evaluation job", "deployment", "throughput", "custom model"}
    refused = tunedrop(own, "teardown", "--all", "--yes")
    assert refused.returncode == 2
    assert refused.stderr.count("IN PRODUCTION") == 2

    said = interrupted(own, "teardown", "--all", "--yes", "--production")
    assert "stopped" in said
    assert list(inventory.resources(pipeline.aws, pipeline.stage))
    done = tunedrop(own, "teardown", "--all", "--yes", "--production", "--format", "json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["remaining"] == {}
    assert list(inventory.resources(pipeline.aws, pipeline.stage, ended_evaluations=True)) == []
    untouched = ("InProgress", "Completed")  # on a slow machine it ends by itself meanwhile
    assert bedrock.get_model_customization_job(jobIdentifier=theirs)["status"] in untouched
    assert "no billable resources of stage local remain" in tunedrop(own, "teardown", "--all", "--yes").stdout
    assert pipeline.aws.ssm.get_parameters_by_path(Path="/tunedrop/local/models")["Parameters"] == []
    assert all(not one.is_open or one.stop_requested_by for one in pipeline.registry.recent(limit=100))

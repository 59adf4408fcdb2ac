"""A run that begins with `tunedrop init`: what it writes goes through the pipeline as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.driver import Pipeline
from tests.end_to_end.terminal import Tunedrop
from tunedrop import intake
from tunedrop.contracts import Evaluation
from tunedrop.registry import Record


def submitted(tunedrop: Tunedrop, folder: Path) -> str:
    """The id of the run that a folder has started."""
    run_id: str = json.loads(tunedrop("submit", str(folder), "--yes", "--format", "json").stdout)["run_id"]
    return run_id


@pytest.mark.parametrize("method", ["instruction", "single-turn", "multi-turn", "distillation"])
def test_the_samples_teach_a_base_model(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path, method: str
) -> None:
    folder = tmp_path / f"new-{method}"
    tunedrop("init", str(folder), "--method", method)
    assert "too few" not in tunedrop("check", str(folder)).stdout

    record = pipeline.closed(submitted(tunedrop, folder))

    assert record.status == "promoted", outcome(record)
    assert "wait_for_approval" not in [one.step for one in pipeline.registry.steps(record.run.run_id)]


def test_the_samples_to_be_graded_teach_a_base_model_once_their_cost_is_approved(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path
) -> None:
    folder = tmp_path / "new-reinforcement"
    tunedrop("init", str(folder), "--method", "reinforcement")
    with (folder / "run.yaml").open(
        "a"
    ) as manifest:  # the two epochs of the default are too few to try enough
        manifest.write("hyperparameters: {epoch_count: 10}\n")
    tunedrop("check", str(folder))
    run_id = submitted(tunedrop, folder)
    wait = pipeline.asked(run_id)  # no dated price is known for reinforcement

    unnamed = tunedrop("approve", run_id, code=2).stderr
    code = intake.read_signal(wait.subject).code
    assert f"tunedrop approve {run_id} --estimate {code} --stage local" in unnamed
    tunedrop("approve", run_id, "--estimate", code)

    record = pipeline.closed(run_id)
    assert record.status == "promoted", outcome(record)


def test_the_samples_of_unlabelled_text_come_to_a_verdict_where_a_base_model_takes_them(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path
) -> None:
    """The command line knows today's catalog; the pipeline asks its AWS, which stands before Titan's end."""
    folder = tmp_path / "new-texts"
    tunedrop("init", str(folder), "--method", "continued-pretraining")
    manifest = (folder / "run.yaml").read_text()
    assert "base_model: mistral.mistral-7b" in manifest
    titan = manifest.replace("mistral.mistral-7b", "amazon.titan-text-express-v1:0:8k")
    (folder / "run.yaml").write_text(titan)
    checked = tunedrop("check", str(folder), code=1)

    assert "valid; method continued-pretraining" in checked.stdout
    assert "refused: base_model: Titan Text Express is ended" in checked.stderr

    record = pipeline.approved(submitted(tunedrop, folder))

    # At the default learning rate so little text changes nothing, which 40 answers alike do not prove.
    evaluation = record.document("evaluation", Evaluation)
    assert record.status == "inconclusive", outcome(record)
    assert evaluation is not None
    assert evaluation.decisive is not None
    assert evaluation.decisive.difference == 0.0
    assert "may be below or above the required" in evaluation.reason


def outcome(record: Record) -> object:
    return record.failure or record.documents["evaluation"]

"""A run that begins with `tunedrop init`: what it writes goes through the pipeline as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.driver import Pipeline
from tests.end_to_end.terminal import Tunedrop
from tunedrop.registry import Record


def tuned(tunedrop: Tunedrop, pipeline: Pipeline, folder: Path, method: str) -> Record:
    tunedrop("init", str(folder), "--method", method)
    tunedrop("check", str(folder))
    submitted = json.loads(tunedrop("submit", str(folder), "--format", "json").stdout)
    tunedrop("approve", submitted["run_id"])  # for those without a dated price
    return pipeline.closed(submitted["run_id"])


@pytest.mark.parametrize(
    "method", ["instruction", "single-turn", "multi-turn", "distillation", "reinforcement"]
)
def test_the_samples_teach_a_base_model(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path, method: str
) -> None:
    record = tuned(tunedrop, pipeline, tmp_path / f"new-{method}", method)

    assert record.status == "promoted", record.failure or record.documents["evaluation"]


def test_the_samples_of_unlabelled_text_come_to_a_verdict(
    tunedrop: Tunedrop, pipeline: Pipeline, tmp_path: Path
) -> None:
    record = tuned(tunedrop, pipeline, tmp_path / "new-texts", "continued-pretraining")

    # At the default learning rate so little text changes nothing: no error, and no better model.
    assert record.status == "rejected", record.failure

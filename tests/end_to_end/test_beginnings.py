"""A run that begins with `tunedrop init`: what it writes goes through the pipeline as it is."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from local.driver import Pipeline
from local.embedded import Embedded
from tests.end_to_end.terminal import Tunedrop
from tunedrop.registry import Record

EAST = ("--stage", "localeast", "--region", "us-east-1")


def tuned(tunedrop: Tunedrop, pipeline: Pipeline, folder: Path, method: str, *where: str) -> Record:
    tunedrop("init", str(folder), "--method", method)
    tunedrop("check", str(folder))
    submitted = json.loads(tunedrop("submit", str(folder), *where, "--format", "json").stdout)
    tunedrop("approve", submitted["run_id"], *where)  # for those without a dated price
    return pipeline.closed(submitted["run_id"])


@pytest.mark.parametrize("method", ["instruction", "single-turn", "multi-turn", "distillation"])
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


def test_the_samples_of_reinforcement_teach_a_base_model_of_another_region(
    tunedrop: Tunedrop, embedded: Embedded, pipeline: Pipeline, tmp_path: Path
) -> None:
    embedded.deploy("localeast", "us-east-1")
    east = Pipeline(boto3.Session(region_name="us-east-1"), "localeast")

    record = tuned(tunedrop, east, tmp_path / "new-graded", "reinforcement", *EAST)

    assert record.status == "promoted", record.failure or record.documents["evaluation"]

"""Gathering what a run has left behind, for its report."""

from __future__ import annotations

from typing import Any

from tunedrop import naming
from tunedrop.contracts import Ending
from tunedrop.ending.close import metrics_files as metrics_files_of
from tunedrop.ending.close import read_json, read_text
from tunedrop.ending.outcome import for_people
from tunedrop.evaluation import predictions
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.registry import Registry
from tunedrop.reporting import metrics_files, report
from tunedrop.stage import Stage


def write_report(s3: Any, stage: Stage, registry: Registry, ending: Ending) -> str:
    """The HTML report of a run, from the registry and the artifacts bucket."""
    run_id = ending.run.run_id
    return report.render(
        for_people(ending),
        findings=read_json(s3, stage, naming.validation_key(run_id)),
        predictions=_held_out(read_text(s3, stage, naming.predictions_key(run_id))),
        curves=metrics_files.read(metrics_files_of(s3, stage, ending)),
        timeline=registry.steps(run_id),
    )


def _held_out(text: str) -> list[Prediction]:
    """The prompts of the dataset; those of general ability are counted, not shown."""
    return [one for one in predictions.decode(text.encode()) if not one.probe]

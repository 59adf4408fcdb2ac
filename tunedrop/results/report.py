"""Collects the data of a run for its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Ending
from tunedrop.dataset.check.check import Report
from tunedrop.evaluation.inference import predictions
from tunedrop.registry import Registry, StepRecord
from tunedrop.reporting.outcome import for_people
from tunedrop.reporting.pages import findings_page
from tunedrop.reporting.report import Material, render
from tunedrop.results.artifacts import read_text, write_text
from tunedrop.stage import Stage
from tunedrop.training import fit
from tunedrop.training.curves import Curves


def with_fit(registry: Registry, ending: Ending, found: Curves) -> Ending:
    """Add the verdict on the training, if a job has ended, and save it in the registry."""
    if ending.job is None:
        return ending
    verdict = fit.judge(found)
    registry.save(ending.run.run_id, fit=verdict)
    return msgspec.structs.replace(ending, fit=verdict)


def write_report(s3: Any, stage: Stage, registry: Registry, ending: Ending, found: Curves) -> str:
    """Write the HTML report of a run, from the registry and the artifacts bucket."""
    run_id = ending.run.run_id
    findings = read_text(s3, stage, naming.validation_key(run_id))
    timeline = registry.steps(run_id)
    asked = predictions.decode(read_text(s3, stage, naming.predictions_key(run_id)).encode())
    if ending.standing is not None and _began_to_evaluate(ending, timeline):
        asked = []  # they have taken the place of those that the earlier verdict rests on
    return render(
        Material(
            ending=for_people(ending),
            stage=stage,
            findings=msgspec.json.decode(findings, type=Report) if findings else None,
            predictions=[one for one in asked if not one.probe],
            probes=[one for one in asked if one.probe],
            curves=found,
            timeline=timeline,
        )
    )


def _began_to_evaluate(ending: Ending, timeline: Sequence[StepRecord]) -> bool:
    return any(one.step == "evaluate_model" and one.started_at >= ending.run.resumed_at for one in timeline)


def write_findings(aws: Aws, stage: Stage, ending: Ending) -> None:
    """Write the page of the dataset's findings, if it was checked."""
    findings = read_text(aws.s3, stage, naming.validation_key(ending.run.run_id))
    if findings:
        page = findings_page.render(stage, ending.run, msgspec.json.decode(findings, type=Report))
        write_text(aws, stage, naming.findings_key(ending.run.run_id), page, "text/html")

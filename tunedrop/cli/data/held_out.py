"""The number of test records of a run, and the improvement that they can detect."""

from __future__ import annotations

from tunedrop.catalog.model import BaseModel
from tunedrop.cli.output import console
from tunedrop.contracts import EvaluationSettings
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.prepare.split import shares
from tunedrop.evaluation import power


def show(report: Report, model: BaseModel) -> None:
    """Print it below a check."""
    rules = model.methods.get(report.method) if report.method is not None else None
    if rules is None or not report.valid or report.method in ("distillation", "reinforcement"):
        return
    test = report.files.get("test")
    train = report.files["train"].records
    count = test.records if test else int(shares(train, report.files, rules).test * train + 1e-6)
    asked = EvaluationSettings()
    console.print(f"test: {power.told(count, asked.min_improvement, asked.confidence)}")

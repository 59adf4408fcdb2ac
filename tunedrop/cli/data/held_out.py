"""The number of test records of a run, and the improvement that they can detect."""

from __future__ import annotations

from tunedrop.catalog.model import BaseModel
from tunedrop.cli.output import console
from tunedrop.contracts import EvaluationSettings
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.formats import json_lines
from tunedrop.dataset.prepare.plan import TEST, Shares, are_few, plan
from tunedrop.dataset.prepare.split import shares
from tunedrop.dataset.sources.opening import DataFiles, open_files
from tunedrop.dataset.types import ReadOptions
from tunedrop.evaluation import power

_SHARED = frozenset(("TD050", "TD051", "TD053", "TD054", "TD055"))
"""Where one of these rules is broken, records share a question and are held out together, or not at all."""

_MOST_OF_THEM = 0.8


def show(report: Report, model: BaseModel, files: DataFiles, reading: ReadOptions) -> None:
    """Print it below a check."""
    rules = model.methods.get(report.method) if report.method is not None else None
    if rules is None or not report.valid or report.method in ("distillation", "reinforcement"):
        return
    test, asked = report.files.get("test"), EvaluationSettings()
    train = report.files["train"].records
    wanted = shares(train, report.files, rules)
    count = test.records if test else int(wanted.test * train + 1e-6)
    possible = count if test or not count else _possible(count, report, wanted, files, reading)
    console.print(f"test: {power.told(possible, asked.min_improvement, asked.confidence)}")
    if possible < _MOST_OF_THEM * count:
        console.print(
            f"test: {count:,} of {train:,} records were to be held out, but records that share a question "
            "stay together, and most of the groups are larger: add other questions, or a test file"
        )


def _possible(count: int, report: Report, wanted: Shares, files: DataFiles, reading: ReadOptions) -> int:
    """How many records the pipeline will hold out: as many as are wanted, if no two share a question."""
    if _SHARED.isdisjoint(report.by_code) and report.method != "multi-turn":
        return count
    near_together = are_few(report.near_duplicates, report.records)
    with open_files({"train": files["train"]}, reading) as opened:
        return plan(json_lines.lines_of(opened["train"].source), wanted, near_together).count(TEST)

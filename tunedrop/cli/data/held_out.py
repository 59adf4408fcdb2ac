"""The number of test records of a run, and the improvement that they can detect."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop import catalog
from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.cli.output import console
from tunedrop.contracts import EvaluationSettings
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.formats import json_lines
from tunedrop.dataset.prepare.plan import TEST, Shares, are_few, plan
from tunedrop.dataset.prepare.split import held_out_to_test, records_that_leave, shares
from tunedrop.dataset.sources.opening import DataFiles, open_files
from tunedrop.dataset.types import ReadOptions
from tunedrop.evaluation.statistics import power

_SHARED = frozenset(("TD050", "TD051", "TD053", "TD054", "TD055"))
"""If one of these rules fails, some records share a question, and are held out together or not at all."""

_MOST_OF_THEM = 0.8


def show(report: Report, model: BaseModel | None, files: DataFiles, reading: ReadOptions) -> None:
    """Print it below a check. Without a base model, only that there are too few records for any of them."""
    for sentence in sentences(report, model, files, reading, EvaluationSettings()):
        console.print(f"test: {sentence}")


def sentences(
    report: Report, model: BaseModel | None, files: DataFiles, reading: ReadOptions, asked: EvaluationSettings
) -> Iterator[str]:
    """The improvement that the test records can detect; if there are too few, how many are needed."""
    rules = _rules(report, model)
    if rules is None or not report.valid or report.method in ("distillation", "reinforcement"):
        return
    test = report.files.get("test")
    train = report.files["train"].records
    wanted = shares(train, report.files, rules)
    number = test.records if test else held_out_to_test(train, report.files, rules)
    if model is None and number >= power.FEWEST_UNITS:
        return
    possible = number if test or not number else _possible(number, report, wanted, files, reading)
    shown = power.in_words(min(possible, asked.max_prompts), asked.min_improvement, asked.confidence)
    yield shown if number >= power.FEWEST_UNITS else f"{shown}. {_how_many_more(report, rules)}"
    if possible < _MOST_OF_THEM * number:
        yield (
            f"{number:,} of {train:,} records should be held out, but records that share a question stay "
            "together, and most of these groups are too large: add different questions, or a test file"
        )


def _rules(report: Report, model: BaseModel | None) -> MethodRules | None:
    """The rules of the base model; without one, those that allow the most records to be held out."""
    if report.method is None:
        return None
    if model is not None:
        return model.methods.get(report.method)
    found = [one.methods[report.method] for one in catalog.tunable(report.method)]
    return min(found, key=lambda one: one.min_train_records, default=None)


def _how_many_more(report: Report, rules: MethodRules) -> str:
    """The number of records that a verdict needs."""
    fewest = power.FEWEST_UNITS
    if (test := report.files.get("test")) is not None:
        return f"Add {fewest - test.records:,} or more to the test file"
    enough = records_that_leave(fewest, report.files, rules)
    return f"Add a test file of {fewest} or more, or more records: {fewest} of {enough:,} are held out"


def _possible(number: int, report: Report, wanted: Shares, files: DataFiles, reading: ReadOptions) -> int:
    """The number of records that the pipeline will hold out: the planned number, if no two share a
    question."""
    if _SHARED.isdisjoint(report.by_code) and report.method != "multi-turn":
        return number
    near_together = are_few(report.near_duplicates, report.records)
    with open_files({"train": files["train"]}, reading) as opened:
        return plan(json_lines.lines_of(opened["train"].source), wanted, near_together).count(TEST)

"""The page of what was found in a dataset."""

from __future__ import annotations

from tunedrop.contracts import Run
from tunedrop.dataset.check.report import Report
from tunedrop.reporting import document
from tunedrop.reporting.pages import STYLES
from tunedrop.reporting.report import findings
from tunedrop.stage import Stage


def render(stage: Stage, run: Run, report: Report) -> str:
    """All findings that validation lists, rule by rule, as one HTML document which opens offline."""
    return document.render(
        "findings.html",
        styles=STYLES,
        stage=stage,
        run=run,
        report=report,
        files=findings.files(report),
        rules=findings.by_rule(report),
    )

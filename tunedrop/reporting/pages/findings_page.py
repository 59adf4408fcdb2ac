"""The page of a dataset's findings: of a run, or of `tunedrop check --format html`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunedrop.contracts import Run
from tunedrop.dataset.check.report import Report
from tunedrop.reporting import _document
from tunedrop.reporting.pages import STYLES
from tunedrop.reporting.report import findings
from tunedrop.stage import Stage

Records = Mapping[tuple[str, int], str]
"""The text of records, by file and line."""


def render(stage: Stage, run: Run, report: Report) -> str:
    """All findings that validation lists, by rule, as one HTML document."""
    return _page(report, {}, title=f"Data of {run.run_id}", source=run.train.uri, stage=stage)


def render_check(name: str, report: Report, records: Records) -> str:
    """The same for files that are not part of a run, with the records concerned."""
    return _page(report, records, title=f"Data of {name}", source="")


def _page(report: Report, records: Records, **values: Any) -> str:
    return _document.render(
        "findings.html",
        styles=STYLES,
        scripts=("pages/findings.js",),
        report=report,
        records=records,
        files=findings.files(report),
        rules=findings.by_rule(report, most=None),
        **values,
    )

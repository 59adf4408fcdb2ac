"""A report as SARIF for code scanning, and compared with a baseline.

Source: SARIF 2.1.0, OASIS Standard. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tunedrop.dataset.check.report import Report
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.codes import CODES, Severity
from tunedrop.dataset.types import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report) -> dict[str, Any]:
    """The listed findings as a SARIF log, with the failed rules."""
    explained = explanations.load()
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES[code]},
            "fullDescription": {"text": explained[code].why},
            "help": {"text": explained[code].fix},
            "defaultConfiguration": {"level": report.severity(code)},
        }
        for code in report.by_code
    ]
    driver = {"name": "tunedrop check", "informationUri": "https://aws.amazon.com/bedrock/", "rules": rules}
    results = [_result(one, "error") for one in report.errors]
    results += [_result(one, "warning") for one in report.warnings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(finding: Finding, level: Severity) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file)}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    location: dict[str, Any] = {"physicalLocation": place}
    if finding.path not in ("", "$"):
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.code,
        "level": level,
        "message": {"text": finding.message},
        "locations": [location],
    }


def worse(report: Report, baseline: Report) -> Iterator[str]:
    """What is worse than in an earlier report: rules with more findings."""
    for code, count in report.by_code.items():
        before = baseline.by_code.get(code, 0)
        if count > before:
            yield f"{code}: {count:,} instead of {before:,}: {CODES[code]}"


def excerpts(lines: Sequence[tuple[int, bytes]], most: int = 4_000) -> dict[int, str]:
    """Records for people: JSON is indented, long records are truncated."""
    found = {}
    for number, raw in lines:
        try:
            text = msgspec.json.format(raw, indent=2).decode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = raw.decode(errors="replace")
        found[number] = text if len(text) <= most else text[:most] + "…"
    return found

"""A report in other forms: SARIF for code scanning, HTML that opens offline, and what a baseline says of it.

Source: SARIF 2.1.0, OASIS Standard. Read 2026-11-29.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tunedrop.dataset.check.report import Report, Rule
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.codes import CODES, Severity
from tunedrop.dataset.types import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 2rem 0 .2rem }
.error { color: #b3261e } .warning { color: #8a5a00 } .dim { color: #666 }
pre { background: #f4f4f4; overflow: auto; padding: .6rem; white-space: pre-wrap; word-break: break-word }
summary { cursor: pointer } input { font: inherit; padding: .3rem; width: 20rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } pre { background: #222 } }
"""
_SCRIPT = """
document.querySelector('input').addEventListener('input', event => {
  for (const one of document.querySelectorAll('details'))
    one.hidden = !one.textContent.toLowerCase().includes(event.target.value.toLowerCase())
})
"""


def sarif(report: Report) -> dict[str, Any]:
    """The findings as a SARIF log: what is listed, and the rules that are broken."""
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
    place: dict[str, Any] = {"artifactLocation": {"uri": finding.file}}
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


def page(report: Report, records: Mapping[tuple[str, int], str] | None = None) -> str:
    """A page of the findings with the records that they are about, which needs nothing else.

    Parameters
    ----------
    records
        The text of a record by its file and line, as far as it is known.
    """
    verdict = "valid" if report.valid else f"not valid: {report.error_count:,} errors"
    body = "".join(_group(one, records or {}) for one in report.by_rule)
    head = f"{report.records:,} records; method {report.method}, format {report.format}"
    if report.changed_rules:
        head += f"; changed rules: {report.changed_rules}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>tunedrop check</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(verdict)}</h1><p class=dim>{html.escape(head)}</p>"
        f'<p><input placeholder="Filter by any text" aria-label="Filter"></p>{body}'
        f"<script>{_SCRIPT}</script></html>\n"
    )


def _group(rule: Rule, records: Mapping[tuple[str, int], str]) -> str:
    one = explanations.load()[rule.code]
    places = "".join(_place(place, records.get((place.file, place.line), "")) for place in rule.places)
    return (
        f'<h2 class="{rule.severity}">{rule.code}, {rule.severity}, {rule.count:,} times</h2>'
        f"<p>{html.escape(CODES[rule.code])} {html.escape(one.why)}<br><b>How to fix:</b> "
        f"{html.escape(one.fix)}</p>{places}"
    )


def _place(place: Finding, record: str) -> str:
    where = f"{place.file}:{place.line}" if place.line else place.file
    shown = f"<pre>{html.escape(record)}</pre>" if record else ""
    return f"<details><summary>{html.escape(where)}: {html.escape(place.message)}</summary>{shown}</details>"


def worse(report: Report, baseline: Report) -> Iterator[str]:
    """What is worse than in an earlier report: rules that are broken more often."""
    for code, count in report.by_code.items():
        before = baseline.by_code.get(code, 0)
        if count > before:
            yield f"{code}: {count:,} instead of {before:,}: {CODES[code]}"


def excerpts(lines: Sequence[tuple[int, bytes]], most: int = 4_000) -> dict[int, str]:
    """Records as a person reads them: indented where they are JSON, and cut where they are long."""
    found = {}
    for number, raw in lines:
        try:
            text = msgspec.json.format(raw, indent=2).decode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = raw.decode(errors="replace")
        found[number] = text if len(text) <= most else text[:most] + "…"
    return found

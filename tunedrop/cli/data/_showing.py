"""Prints a dataset report: grouped by rule, with a few places each and the fix."""

from __future__ import annotations

from itertools import groupby

from tunedrop.cli.output import console, table
from tunedrop.dataset.check.report import FileReport, Report, Rule
from tunedrop.dataset.rules import explanations
from tunedrop.dataset.rules.codes import CODES
from tunedrop.dataset.types import Finding
from tunedrop.formatting.counts import counted


def show(report: Report) -> None:
    """Print the report, errors first."""
    for rule in report.by_rule:
        _show_rule(rule)
    files = table("file", "records", "tokens (estimated)", "errors")
    for split, file in report.files.items():
        files.add_row(split, f"{file.records:,}", f"{file.tokens:,}", f"{file.error_count:,}")
    console.print(files)
    for split, file in report.files.items():
        _show_statistics(split, file)
    estimate = report.token_estimate
    if report.tokens:
        console.print(
            f"tokens: {estimate.method}; actual counts are {estimate.low:g} to {estimate.high:g} times this"
        )
    if report.changed_rules:
        console.print(f"changed rules: {report.changed_rules}")
    verdict = "valid" if report.valid else f"not valid: {counted(report.error_count, 'error')}"
    console.print(f"{verdict}; method {report.method or 'unknown'}, format {report.format or 'unknown'}")


def _show_rule(rule: Rule) -> None:
    style = "red" if rule.severity == "error" else None
    console.print(
        f"{rule.code} {rule.severity}, {counted(rule.count, 'time')}: {CODES[rule.code]}", style=style
    )
    for (file, _, _), places in groupby(rule.places, lambda one: (one.file, one.message, one.code)):
        first, *others = places
        console.print(f"  {line(first, rule.severity)}", style=style)
        lines = sorted({other.line for other in others} - {first.line, 0})
        if lines:
            which = f"line{'s' if len(lines) > 1 else ''} {', '.join(f'{one:,}' for one in lines)}"
            console.print(f"  {file}: the same on {which}", style=style)
    if rule.count > len(rule.places):
        console.print(f"  … and {rule.count - len(rule.places):,} more")
    console.print(f"  How to fix: {explanations.load()[rule.code].fix}", style="dim")


def line(finding: Finding, kind: str) -> str:
    """A finding on one line, in the format of compiler messages."""
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
    path = f", at {finding.path}" if finding.path not in ("", "$") else ""
    return f"{where}: {kind}: {finding.message} [{finding.code}{path}]"


def _show_statistics(split: str, file: FileReport) -> None:
    found = file.statistics
    if not found.turns:
        return
    tokens = ", ".join(f"{name} {count:,}" for name, count in found.tokens.items())
    turns = ", ".join(f"{count:,} of {turns}" for turns, count in list(found.turns.items())[:6])
    scripts = ", ".join(f"{name} {count:,}" for name, count in found.scripts.items())
    console.print(f"{split}: tokens a record: {tokens}; messages: {turns}; scripts: {scripts or 'none'}")
    if file.media:
        media = ", ".join(counted(count, kind) for kind, count in file.media.items())
        console.print(f"{split}: {media}, which are not among the tokens")
    if file.labels:
        labels = ", ".join(f"{label} {count / file.records:.0%}" for label, count in file.labels.items())
        console.print(f"{split}: answers: {labels}")

"""`doctor`: checks the prerequisites of a deployment."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import msgspec
from rich.text import Text

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, labelled, print_json
from tunedrop.doctor import Finding, State
from tunedrop.doctor.examine import examine

GLYPHS = {
    "good": ("✓", "green"),
    "note": ("!", "yellow"),
    "unknown": ("?", "magenta"),
    "bad": ("✗", "bold red"),
}
WORDS: dict[State, str] = {
    "good": "good",
    "note": "to know of",
    "unknown": "could not be read",
    "bad": "will fail",
}
NAME_WIDTH = 34


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What `doctor --format json` prints. `healthy` is false if something would fail."""

    healthy: bool
    findings: list[Finding]


def doctor(aws: Aws, stage: str, base_model: BaseModel | None, format_: Format) -> int:
    """Run all checks; 0 if nothing would fail."""
    findings: list[Finding] = []
    waiting = console.status("looking …") if console.is_terminal and format_ is Format.text else nullcontext()
    with waiting:
        for finding in examine(aws, stage, base_model, Path.cwd()):
            if format_ is Format.text:
                _show(finding, is_first=not findings or findings[-1].about != finding.about)
            findings.append(finding)
    healthy = not any(finding.state == "bad" for finding in findings)
    if format_ is Format.json:
        print_json(Examination(healthy=healthy, findings=findings))
    else:
        _sum_up(findings)
    return YES if healthy else NO


def _show(finding: Finding, *, is_first: bool) -> None:
    if is_first:
        console.print(Text(f"\n{finding.about}", style="bold"))
    glyph, style = GLYPHS[finding.state]
    name = Text.assemble("  ", (glyph, style), f" {finding.name:<{NAME_WIDTH}}  ")
    labelled(name, finding.detail, indent=6)
    if finding.hint and finding.state != "good":
        labelled(" " * 6, finding.hint, style="dim" if finding.state != "bad" else style)


def _sum_up(findings: list[Finding]) -> None:
    counts = Counter(finding.state for finding in findings)
    parts = [f"{counts[state]} {word}" for state, word in WORDS.items() if counts[state]]
    console.print(Text(f"\n{', '.join(parts)}", style="bold red" if counts["bad"] else "bold green"))

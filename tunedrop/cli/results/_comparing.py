"""`compare`: shows runs side by side, in the terminal, as a page, or as JSON."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, console, errors, fail, print_json, table
from tunedrop.cli.runs.live.final import COLOURS
from tunedrop.contracts import Score
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.formatting.scores import at_a_glance
from tunedrop.formatting.texts import shorten
from tunedrop.reporting import comparison
from tunedrop.reporting.comparison import Answers, Comparison
from tunedrop.reporting.pages import compare_page

LONGEST = 400
"""Maximum number of characters of a text in the terminal; the page and the JSON have the full text."""


def compare(here: Deployed, names: list[str], answers: int, html: Path | None, format_: Format) -> None:
    """Compare runs by id or name; the others are compared with the first."""
    if len(names) < 2:
        fail("name at least two runs: tunedrop compare RUN RUN", USAGE)
    records = [here.trained_run(name) for name in names]
    ids = [record.run.run_id for record in records]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        fail(f"{twice} is listed twice", USAGE, "A name stands for its latest run; use the id of the other")
    found = comparison.compare(here.aws, here.stage, records, here.aliases.runs())
    if html is not None:
        html.write_text(compare_page.render(here.stage, found), encoding="utf-8", errors="replace")
    if format_ is Format.json:
        return print_json(found)
    if html is not None:
        return console.print(str(html), soft_wrap=True)
    return _show(found, answers)


def _show(found: Comparison, answers: int) -> None:
    console.print(_settings(found))
    console.print()
    console.print(_scores(found))
    for one in found.against_first:
        if found.is_incomparable(one):
            errors.print(
                f"{one.run_id} shares no held-out prompt with {found.runs[0].run_id}: "
                "the scores above are of different test sets and cannot be compared",
                style="yellow",
            )
    for each in found.answers[:answers]:
        _show_answers(found, each)
    if len(found.answers) > answers:
        errors.print(f"{len(found.answers) - answers:,} more prompts: --html FILE", style="dim")
    if not any(row.score for row in found.runs):
        fail("none of these runs was evaluated", NO)


def _settings(found: Comparison) -> Table:
    made = table("", *(row.run_id for row in found.runs))
    statuses = [Text(row.status, style=COLOURS.get(row.status, "cyan")) for row in found.runs]
    made.add_row("status", *statuses)
    for one in found.settings:
        made.add_row(one.name, *one.values, style="bold" if one.differs else "dim")
    return made


def _scores(found: Comparison) -> Table:
    made = table("score", *(row.run_id for row in found.runs))
    own = [at_a_glance(row.score) if row.score is not None else "not evaluated" for row in found.runs]
    made.add_row(f"{TITLES.get(found.metric, found.metric)}, base → tuned", *own)
    names = list(dict.fromkeys(score.metric for one in found.against_first for score in one.scores))
    for name in names:
        cells = [
            _difference(next((s for s in one.scores if s.metric == name), None))
            for one in found.against_first
        ]
        made.add_row(f"{TITLES.get(name, name)}, against the first", "", *cells)
    common = [f"{one.prompts:,} prompts, {one.units:,} independent" for one in found.against_first]
    made.add_row("in common with the first", "", *common)
    return made


def _difference(score: Score | None) -> Text:
    if score is None:
        return Text()
    style = "green" if score.low > 0 else "red" if score.high < 0 else ""
    return Text(f"{score.difference:+.3f} ({score.low:+.3f} to {score.high:+.3f})", style=style)


def _show_answers(found: Comparison, one: Answers) -> None:
    console.print()
    console.print(Text(shorten(one.prompt, LONGEST), style="bold"))
    rows = [("wanted", one.reference, ""), ("base", one.base, "")]
    rows += [
        (row.run_id, answer, f"{score:.2f}")
        for row, answer, score in zip(found.runs, one.answers, one.scores, strict=True)
    ]
    made = table("", "", "")
    made.show_header = False
    for who, answer, score in rows:
        made.add_row(who, score, shorten(answer, LONGEST) or "(no text)")
    console.print(made)

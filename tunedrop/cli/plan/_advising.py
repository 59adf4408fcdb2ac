"""`advise`: asks questions and prints a recommendation with reasons and sources."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from tunedrop import catalog
from tunedrop.advice.advise import Advice, advise
from tunedrop.advice.candidates import Candidate, LeftOut
from tunedrop.advice.questions import CHANGES, GOALS, MATERIALS
from tunedrop.advice.situation import Profile, Situation
from tunedrop.advice.statement import Statement
from tunedrop.cli.data import checking, folder, rule_settings
from tunedrop.cli.data.folder import Submission
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, errors, fail, print_json, table
from tunedrop.cli.plan import _starting
from tunedrop.dataset.prepare.split import held_out_to_test
from tunedrop.formatting.commands import command

T = TypeVar("T")
SHOWN = 6


def advise_on(
    situation: Situation, data: Path | None, *, ask: bool, write: Path | None, format_: Format
) -> int:
    """Print advice for a situation, after asking for what is missing if there is a terminal.

    Parameters
    ----------
    data
        A file or a run's folder to infer the situation from.
    write
        A folder to write the recommended run to.
    """
    submission = folder.read(data) if data is not None else None
    if submission is not None:
        situation = msgspec.structs.replace(situation, data=_profile(submission))
    if ask and format_ is Format.text and sys.stdin.isatty() and console.is_terminal:
        situation = _ask(situation)
    advice = advise(situation)
    if format_ is Format.json:
        print_json(advice)
    else:
        _show(advice)
    if write is not None:
        _write(advice, write, submission.files["train"][0] if submission is not None else None)
    return YES


def _profile(submission: Submission) -> Profile:
    files = submission.files
    document = submission.document
    rules = rule_settings.of_manifest(document.rules)
    report = checking.checked(files, None, "auto", options=document.data.reading, rules=rules)
    if report.method is None:
        fail(
            f"{files['train'][0].name} is not a valid dataset: {report.error_count:,} errors",
            NO,
            f"See them: {command('check', str(files['train'][0]))}",
        )
    train, test = report.files["train"], report.files.get("test")
    known = [model for model in catalog.load().values() if report.method in model.methods]
    least = min(
        (one.methods[report.method] for one in catalog.tunable(report.method) or known),
        key=lambda one: one.min_train_records,
    )
    held_out = test.records if test else held_out_to_test(train.records, files, least)
    return Profile(
        method=report.method,
        records=train.records,
        tokens=train.tokens,
        longest_tokens=train.longest_tokens,
        held_out=held_out,
        duplicates=report.duplicates,
        warnings=report.warning_count,
        media=train.media,
    )


def _ask(situation: Situation) -> Situation:
    """Ask for what the command line does not say; an empty answer leaves it open."""
    answers: dict[str, Any] = {}
    if situation.goal is None:
        answers["goal"] = _choice("What do you want from the model?", GOALS)
    if situation.data is None and situation.material is None:
        answers["material"] = _choice("What do you have for it to learn from?", MATERIALS)
    if situation.changes is None:
        answers["changes"] = _choice(
            "How often do the facts behind its answers change?", {one: one for one in CHANGES}
        )
    if situation.must_cite is None:
        answers["must_cite"] = _yes_or_no("Must each answer cite its source?")
    if situation.has_prompted is None:
        answers["has_prompted"] = _yes_or_no("Have you tried a good prompt, with examples in it?")
    return msgspec.structs.replace(situation, **answers)


def _choice(question: str, choices: Mapping[T, str]) -> T | None:
    errors.print(Text(f"\n{question}", style="bold"))
    keys = list(choices)
    for number, key in enumerate(keys, 1):
        errors.print(f"  {number}  {choices[key]}")
    while True:
        answer = typer.prompt("", default="", show_default=False, prompt_suffix="> ", err=True).strip()
        if not answer:
            return None
        if answer.isdigit() and 1 <= int(answer) <= len(keys):
            return keys[int(answer) - 1]
        errors.print(f"a number from 1 to {len(keys)}, or Enter to leave it open")


def _yes_or_no(question: str) -> bool | None:
    errors.print(Text(f"\n{question}", style="bold"))
    answer = typer.prompt("y/n", default="", show_default=False, prompt_suffix="> ", err=True).strip().lower()
    return {"y": True, "n": False}.get(answer[:1])


def _show(advice: Advice) -> None:
    console.print(Text.assemble(("\nAdvice: ", "bold"), (advice.approach, "bold cyan")))
    for title, statements in advice.reasons.items():
        if not statements:
            continue
        console.print(Text(f"\n{title.capitalize()}", style="bold"))
        for statement in statements:
            _say(statement)
        if title == "base model":
            _table(advice.candidates)
            _left_out(advice.left_out)
    console.print(Text("\nNot known from here", style="bold"))
    for unknown in advice.unknown:
        _indented(Text(f"· {unknown}"), 2)


def _say(statement: Statement) -> None:
    _indented(Text(statement.says), 2)
    _indented(Text(f"{statement.because}. [{statement.source}]", style="dim"), 4)


def _indented(what: RenderableType, columns: int) -> None:
    console.print(Padding(what, (0, 0, 0, columns), expand=False))


def _table(candidates: list[Candidate]) -> None:
    if not candidates:
        return
    listing = table("", "base model", "Region", "engine", "served", "a run, USD", "", right=["a run, USD"])
    for one in candidates[:SHOWN]:
        cost = "" if one.estimate is None else f"{'≥ ' if not one.is_priced else ''}{one.estimate.likely:.2f}"
        is_simple = one.fits and one.is_priced and one.billed_by == "token"
        remark = "" if is_simple else next(iter(one.remarks), "")
        listing.add_row(
            Text("✓", style="green") if one.fits else Text("✗", style="red"),
            one.name,
            ", ".join(one.regions),
            one.engine,
            one.served,
            cost,
            Text(remark, style="dim"),
        )
    console.print()
    _indented(listing, 2)
    if len(candidates) > SHOWN:
        _indented(Text(f"… and {len(candidates) - SHOWN} more: --format json", style="dim"), 2)


def _left_out(models: list[LeftOut]) -> None:
    """Well-known base models that can no longer be tuned, by reason."""
    by_reason: dict[str, list[str]] = {}
    for one in models:
        by_reason.setdefault(one.reason, []).append(one.name)
    for reason, names in by_reason.items():
        _indented(Text(f"not offered: {', '.join(names)}: {reason}", style="dim"), 2)


def _write(advice: Advice, target: Path, train: Path | None) -> None:
    if advice.base_model is None:
        fail("no base model fits: there is nothing to write", NO)
    method = advice.method or "single-turn"
    for path in _starting.write(target, method, advice.base_model, advice.hyperparameters, train):
        errors.print(f"wrote  {path}")

"""`evaluate`: the gate's verdict on a file of answers, and its report."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.table import Table

from tunedrop.cli.exits import NO, USAGE, YES
from tunedrop.cli.output import Format, console, fail, print_json, table
from tunedrop.contracts import Evaluation
from tunedrop.errors import InvalidAnswers
from tunedrop.evaluation.answers_file import read_file, settings_of
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.formatting.counts import counted
from tunedrop.reporting.report import render_answers

_OF_A_RUN = ("done", "next_record", "shards", "judge_job_arn", "results_uri", "losses", "judged", "general",
             "base_speed", "tuned_speed", "input_tokens", "output_tokens", "production_gone")  # fmt: skip
"""Fields that exist only for an evaluation within a run."""

_ONE_LINE = (
    'A line is: {"prompt": "…", "reference": "…", "base": "one model\'s answer", "tuned": "the other\'s"}'
)


class Options(NamedTuple):
    """The command's arguments."""

    answers: Path
    metric: str
    min_improvement: float
    confidence: float
    attempt: int
    report: Path | None


def evaluate_file(asked: Options, format_: Format) -> int:
    """Print the verdict and write the report."""
    try:
        settings = settings_of(asked.metric, asked.min_improvement, asked.confidence)
    except InvalidAnswers as error:
        fail(f"--{str(error).replace('_', '-', 1)}", USAGE)
    try:
        predictions = read_file(asked.answers)
    except InvalidAnswers as error:
        fail(f"{asked.answers}: {error}", USAGE, _ONE_LINE)
    evaluation = decide(predictions, settings, attempt=asked.attempt)
    path = asked.report or asked.answers.with_name(f"{asked.answers.stem}.report.html")
    if asked.report is None and path.is_symlink():  # the owner of the folder chose its target
        fail(f"{path} is a link to {path.readlink()}", USAGE, "Say where the report goes: --report PATH")
    try:
        path.write_text(render_answers(asked.answers.stem, settings, evaluation, predictions), "utf-8")
    except OSError as error:
        fail(f"cannot write to {path}: {error.strerror}", USAGE, "Choose another place with --report PATH")
    if format_ is Format.json:
        shown = {
            name: value for name, value in msgspec.to_builtins(evaluation).items() if name not in _OF_A_RUN
        }
        print_json({**shown, "confidence": asked.confidence, "report": str(path)})
    else:
        _print(evaluation, path)
    return YES if evaluation.verdict == "promote" else NO


def _print(evaluation: Evaluation, report: Path) -> None:
    console.print(evaluation.verdict, style={"promote": "bold green"}.get(evaluation.verdict, "bold yellow"))
    console.print(f"{evaluation.reason}.", soft_wrap=True)
    scores = table("metric", "base", "tuned", "difference", "interval", right=("base", "tuned", "difference"))
    content = [evaluation.content] if evaluation.content is not None else []
    for one in (*evaluation.scores, *content):
        _row(scores, TITLES[one.metric], one.base, one.tuned, one.low, one.high)
    for other in evaluation.contenders:
        score = other.score
        name = other.name if other.name.startswith("its") else f"the {other.name}"
        _row(scores, f"against {name}", score.base, score.tuned, score.low, score.high)
    if evaluation.champion is not None:
        score = evaluation.champion
        _row(scores, "against production", score.base, score.tuned, score.low, score.high)
    console.print(scores)
    console.print(
        f"{evaluation.units:,} of {counted(evaluation.records, 'prompt')} count (turns of a conversation, "
        f"and prompts that say the same, count once); report: {report}"
    )


def _row(scores: Table, name: str, base: float, tuned: float, low: float, high: float) -> None:
    scores.add_row(name, f"{base:.3f}", f"{tuned:.3f}", f"{tuned - base:+.3f}", f"{low:+.3f} to {high:+.3f}")

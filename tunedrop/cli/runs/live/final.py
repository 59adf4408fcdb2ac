"""The result of a run: verdict, scores and cost in a box, then how to call the model and find the report."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tunedrop.contracts import Ending, Evaluation
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.formatting.costs import forecast_in_words, in_words
from tunedrop.registry import Record
from tunedrop.reporting import verdict
from tunedrop.reporting.advice import next_steps
from tunedrop.reporting.usage import snippets
from tunedrop.results.collect import ending_of
from tunedrop.stage import Stage

COLOURS = {
    "promoted": "green",
    "rejected": "yellow",
    "inconclusive": "yellow",
    "stopped": "yellow",
    "refused": "red",
    "failed": "red",
}


def print_end(to: Console, stage: Stage, record: Record) -> None:
    """Print the result of a run: a box to read, and commands to copy below it."""
    to.print()
    to.print(panel(record) if to.is_terminal else Group(*_parts(ending_of(record), "default")))
    for arn in sorted(record.gone):
        to.print(f"deleted since: {arn}", style="yellow", soft_wrap=True)
    for text, is_command in _commands(stage, ending_of(record)):
        to.print(text, soft_wrap=is_command)


def panel(record: Record) -> Panel:
    """The box: verdict, scores, cost."""
    ending = ending_of(record)
    colour = COLOURS.get(record.status, "white")
    return Panel(
        Group(*_parts(ending, colour)),
        title=record.status,
        title_align="left",
        border_style=colour,
        padding=(1, 2),
        expand=False,
    )


def _parts(ending: Ending, colour: str) -> Iterator[RenderableType]:
    yield Text.assemble((ending.run.run_id, "bold"), " ", (verdict.headline(ending), f"bold {colour}"))
    if ending.failure is not None:
        yield Text(f"\n{ending.failure.cause}")
        if (standing := ending.standing) is not None:
            yield Text(f"\n{verdict.standing(ending)}\n")
            yield _scores(standing.evaluation)
    elif ending.evaluation is not None:
        yield Text(f"{ending.evaluation.reason}\n", style="dim")
        yield _scores(ending.evaluation)
    yield Text(f"\n{_money(ending)}")


def _commands(stage: Stage, ending: Ending) -> Iterator[tuple[Text, bool]]:
    """Lines, and whether each is a command, which must not be wrapped."""
    for snippet in snippets(stage, ending)[-1:]:
        yield Text("\nAsk it:", style="dim"), False
        yield Text(snippet.code.rstrip()), True
    yield Text(), False
    for one in next_steps(stage, ending):
        yield Text(one.text, style="dim"), False
        if one.command:
            yield Text(f"  {one.command}"), True
    yield Text("The report:", style="dim"), False
    yield Text(f"  tunedrop report {ending.run.run_id} --stage {stage.name}"), True


def _scores(evaluation: Evaluation) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    made.add_column("")
    for header in ("base", "tuned", "difference"):
        made.add_column(header, justify="right")
    for one in evaluation.scores:
        style = "green" if one.low > 0 else "red" if one.high < 0 else ""
        title = Text(TITLES.get(one.metric, one.metric), style="bold" if one == evaluation.decisive else "")
        difference = Text(f"{one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f})", style=style)
        made.add_row(title, f"{one.base:.3f}", f"{one.tuned:.3f}", difference)
    return made


def _money(ending: Ending) -> str:
    if ending.cost is None or not ending.cost.lines:
        return "It cost nothing."
    forecast = forecast_in_words(ending.cost)
    to_come = f" Forecast: {forecast}." if forecast else ""
    estimated = f"; {ending.estimate.likely:.2f} USD was estimated" if ending.estimate is not None else ""
    return f"It cost {in_words(ending.cost)}{estimated}.{to_come}"

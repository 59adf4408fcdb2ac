"""The live view of a run in a terminal: turns a snapshot into a rich renderable."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tunedrop import catalog, clock
from tunedrop.cli.runs.live.events import approve_command, steps_of
from tunedrop.contracts import Dataset
from tunedrop.cost.actual import actual
from tunedrop.formatting.amounts import duration
from tunedrop.formatting.costs import amount, in_words, paid_in_words
from tunedrop.monitoring import Snapshot
from tunedrop.monitoring.facts import fact
from tunedrop.monitoring.pace import Pace, remaining
from tunedrop.monitoring.timeline import Step
from tunedrop.results.collect import ending_of
from tunedrop.training.curves import Loss

GLYPHS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "to come": ("·", "dim")}
BARS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 32


class View:
    """Draws snapshots of one run, and keeps the spinner turning between them."""

    def __init__(self, stage: str, pace: Pace, *, can_answer: bool, fills_line: bool = True) -> None:
        self._stage = stage
        self._pace = pace
        self._can_answer = can_answer
        self._fills_line = fills_line
        self._spinner = Spinner("dots", style="cyan")

    def draw(self, snapshot: Snapshot) -> RenderableType:
        """The whole view: the run, its steps, a pending approval, remaining time and cost."""
        steps = steps_of(snapshot)
        parts: list[RenderableType] = [self._title(snapshot), Text(), self._steps(snapshot, steps)]
        if snapshot.approval is not None and snapshot.record.is_open:
            parts += [Text(), self._question(snapshot)]
        return Group(*parts, Text(), self._foot(snapshot, steps))

    def _title(self, snapshot: Snapshot) -> Text:
        run, dataset = snapshot.record.run, snapshot.record.document("dataset", Dataset)
        method = dataset.method if dataset is not None else run.method
        model = name_of(run.base_model)
        attempt = f" · attempt {run.attempt}" if run.attempt > 1 else ""
        return Text.assemble(
            (run.run_id, "bold"), (f"   {model} · {method} · stage {self._stage}{attempt}", "dim")
        )

    def _steps(self, snapshot: Snapshot, steps: Sequence[Step]) -> Table:
        # Only the last column shrinks in a narrow terminal.
        grid = Table.grid(padding=(0, 1), expand=self._fills_line)
        grid.add_column(width=1, no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True, style="dim", min_width=11)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        begins = _next(steps) if snapshot.record.is_open and snapshot.approval is None else None
        for step in steps:
            took = duration(step.seconds) if step.state != "to come" else ""
            name = step.name.replace("_", " ") + (f", try {step.tries}" if step.tries > 1 else "")
            glyph = self._spinner if step is begins else self._glyph(step)
            grid.add_row(glyph, Text(name, style=_STYLES[step.state]), took, _what(step, snapshot))
            if step.name == "wait_for_training" and snapshot.job and len(snapshot.job.curves.training) > 2:
                grid.add_row("", "", "", _curve(snapshot.job.curves.training))
        return grid

    def _glyph(self, step: Step) -> RenderableType:
        if step.state == "going on":
            return self._spinner
        glyph, style = GLYPHS[step.state]
        return Text(glyph, style=style)

    def _question(self, snapshot: Snapshot) -> Panel:
        ending = ending_of(snapshot.record)
        run_id = snapshot.record.run.run_id
        text = Text()
        if ending.estimate is not None:
            text.append(f"It would cost {amount(ending.estimate)}. {paid_in_words(ending.run)}\n")
            for reason in ending.estimate.approval_reasons:
                text.append(f"  · {reason}\n", style="yellow")
        if self._can_answer:
            text.append("Approve it?  ").append("y", style="bold").append(" yes   ")
            text.append("n", style="bold").append(" no, stop the run   ")
            text.append("Ctrl-C", style="bold").append(" decide later")
        elif snapshot.approval is not None:
            text.append(f"{approve_command(snapshot.record, snapshot.approval, self._stage)}\n")
            text.append(f"tunedrop stop {run_id} --stage {self._stage}")
        return Panel(text, title="approval", title_align="left", border_style="yellow", expand=False)

    def _foot(self, snapshot: Snapshot, steps: Sequence[Step]) -> Text:
        run = snapshot.record.run
        parts = [f"{duration(_elapsed(snapshot))} so far"] if snapshot.record.is_open else []
        left = remaining(steps, self._pace) if snapshot.record.is_open else None
        if left is not None:
            parts.append(f"{clock.about(left)} left, based on earlier runs")
        ending = ending_of(snapshot.record)
        if ending.estimate is not None:
            base_model = catalog.find(run.base_model)
            cost = actual(ending, base_model, snapshot.at)
            so_far = in_words(cost) if cost.lines else "nothing"
            parts.append(f"cost so far {so_far}, estimated {ending.estimate.likely:.2f} USD")
        return Text("   ".join(parts), style="dim")


def _next(steps: Sequence[Step]) -> Step | None:
    """The step that begins next, if none is active."""
    if any(step.state == "going on" for step in steps):
        return None
    return next((step for step in steps if step.state == "to come"), None)


_STYLES = {"done": "", "going on": "bold", "failed": "bold red", "to come": "dim"}


def _what(step: Step, snapshot: Snapshot) -> Text:
    if step.error:
        return Text(step.error.partition("\n")[0], style="red")
    if step.state == "to come":
        return Text()
    style = "cyan" if step.state == "going on" else "dim"
    return Text(fact(step.name, snapshot), style=style)


def _curve(losses: Sequence[Loss]) -> Text:
    """The training loss as a row of bars, each a moving average."""
    values = [row.loss for row in losses]
    width = min(CURVE_WIDTH, len(values))
    reach = max(1, len(values) // 8)
    centres = [round((index + 0.5) * len(values) / width) for index in range(width)]
    means = [fmean(values[max(0, centre - reach) : centre + reach]) for centre in centres]
    low, high = min(means), max(means)
    spread = (high - low) or 1.0
    bars = "".join(BARS[round((mean - low) / spread * (len(BARS) - 1))] for mean in means)
    return Text.assemble((bars, "cyan"), (f"  {len(values):,} steps", "dim"))


def _elapsed(snapshot: Snapshot) -> float:
    run = snapshot.record.run
    return max(0.0, clock.seconds_between(run.resumed_at or run.created_at, snapshot.at))


def name_of(base_model: str) -> str:
    """The name that the catalog gives a base model, else its id."""
    try:
        return catalog.find(base_model).name
    except LookupError:
        return base_model or "no base model yet"

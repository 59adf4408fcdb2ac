"""`runs` and `show`: what the registry knows about runs, as a table, a picture, or JSON."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tunedrop.cli.deployed import Deployed
from tunedrop.cli.output import Format, console, errors, print_json, table, when
from tunedrop.cli.runs.live import view
from tunedrop.cli.runs.live import watch as following
from tunedrop.cli.runs.live.final import COLOURS
from tunedrop.formatting.scores import difference
from tunedrop.registry import Record
from tunedrop.registry.summaries import Order, Summary, matching, ordered, summary

LOOKED_THROUGH = 1_000
"""Number of latest runs to search for matches."""

HASH_DIGITS = 8


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of `runs`; see `tunedrop.registry.summaries.matching`."""

    name: str = ""
    statuses: tuple[str, ...] = ()
    base_model: str = ""
    since: str = ""
    data: str = ""


def show(here: Deployed, wanted: Wanted, order: Order, limit: int, format_: Format) -> None:
    """Print the matching runs, in order."""
    records = here.registry.recent(LOOKED_THROUGH)
    production = here.aliases.runs()
    rows = matching(
        (summary(record, production) for record in records),
        name=wanted.name,
        statuses=wanted.statuses,
        base_model=wanted.base_model,
        since=wanted.since,
        data=wanted.data,
    )
    shown = ordered(rows, order)[:limit]
    if format_ is Format.json:
        return print_json(shown)
    if shown:
        console.print(fitting(shown))
    here.say_unreadable()
    if not records:
        errors.print("no runs yet; start with: tunedrop init DIR")
    elif not shown:
        errors.print(f"none of the latest {len(records):,} runs matches")
    elif len(rows) > len(shown):
        errors.print(f"{len(rows) - len(shown):,} more: --limit {len(rows)}", style="dim")
    return None


def fitting(rows: list[Summary]) -> Table:
    """The rows with as many columns as fit, the most important first."""
    chosen = list(COLUMNS)
    while True:
        made = _table(rows, chosen)
        width = console.measure(made, options=console.options.update(width=10_000)).maximum
        if width <= console.width or len(chosen) <= len(_ALWAYS):
            return made
        chosen.remove(next(one for one in LEFT_OUT_FIRST if one in chosen))


def show_one(here: Deployed, record: Record, format_: Format) -> None:
    """Print everything known about one run."""
    if format_ is Format.text:
        return following.show(here, record)
    documents = {key: msgspec.json.decode(text) for key, text in record.documents.items()}
    steps = here.registry.steps(record.run.run_id)
    known = {"run": record.run, "status": record.status, "failure": record.failure, "steps": steps}
    known["gone"] = sorted(record.gone)
    return print_json(known | documents)


def _table(rows: list[Summary], chosen: list[str]) -> Table:
    made = table(*chosen, right=["USD"])
    for one in made.columns:
        one.no_wrap = True
    for row in rows:
        made.add_row(*(COLUMNS[name](row) for name in chosen))
    return made


def _status(one: Summary) -> Text:
    word = (one.step.replace("_", " ") or one.status) if one.status == "running" else one.status
    if one.earlier_outcome:
        word = f"{word}, {one.earlier_outcome} before"
    beside = " (production)" if one.in_production else " (deleted)" if one.model_deleted else ""
    return Text(f"{word}{beside}", style=COLOURS.get(one.status, "cyan"))


def _settings(one: Summary) -> str:
    found = " ".join(f"{name}={value}" for name, value in sorted(one.hyperparameters.items()))
    return f"best of {one.candidates}: {found}" if one.candidates else found


def _dollars(one: Summary) -> str:
    if one.cost:
        return one.cost
    return f"~{one.estimated_usd:.2f}" if one.estimated_usd is not None else ""


COLUMNS: dict[str, Callable[[Summary], RenderableType]] = {
    "run": lambda one: one.run_id,
    "status": _status,
    "score": lambda one: f"{one.score.base:.3f} → {one.score.tuned:.3f}" if one.score is not None else "",
    "difference": lambda one: difference(one.score) if one.score is not None else "",
    "base model": lambda one: view.name_of(one.base_model),
    "hyperparameters": _settings,
    "data": lambda one: one.dataset_hash[:HASH_DIGITS],
    "records": lambda one: f"{one.trained_on_records:,}" if one.trained_on_records else "",
    "started": lambda one: when(one.created_at),
    "USD": _dollars,
}
"""`USD` is the actual cost; with a `≥`, of what has a price; with a `~`, the estimate of an open run."""

_ALWAYS = ("run", "status", "score")
LEFT_OUT_FIRST = ("records", "hyperparameters", "data", "base model", "started", "USD", "difference")

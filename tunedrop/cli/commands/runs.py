"""Commands about runs: from `submit` to `retry`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.live import Live
from rich.table import Table

from tunedrop import clock, intake, naming
from tunedrop.cli.exits import USAGE
from tunedrop.cli.options import FormatOption, RunName, on_stage
from tunedrop.cli.output import Format, console, fail, print_json, table
from tunedrop.cli.stage import Deployed
from tunedrop.registry import Record, StepRecord
from tunedrop.registry.follow import follow
from tunedrop.resuming import POINTS, RETRIABLE

PANEL = "Tune a model"

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
@on_stage
def submit(
    here: Deployed,
    folder: Annotated[Path, typer.Argument(help="A folder with run.yaml and its data files.")],
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
) -> None:
    """Upload a run's folder: the data first, the manifest last, which starts it."""
    manifests = [folder / name for name in intake.MANIFEST_NAMES if (folder / name).is_file()]
    if len(manifests) != 1:
        fail(f"{folder} needs exactly one of {', '.join(intake.MANIFEST_NAMES)}", USAGE)
    data = [path for path in sorted(folder.glob("*.jsonl")) if path.is_file()]
    for path in [*data, *manifests]:
        key = f"{intake.RUNS_PREFIX}{folder.resolve().name}/{path.name}"
        here.aws.s3.upload_file(str(path), here.stage.intake_bucket, key)
        console.print(f"uploaded  s3://{here.stage.intake_bucket}/{key}")
    if watch_it:
        _watch(here, _wait_for_run(here, folder.resolve().name))


@app.command(rich_help_panel=PANEL)
@on_stage
def watch(here: Deployed, name: RunName) -> None:
    """Follow a run to its end."""
    _watch(here, here.run(name))


@app.command(rich_help_panel=PANEL)
@on_stage
def runs(
    here: Deployed,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    format_: FormatOption = Format.text,
) -> None:
    """List the latest runs."""
    records = here.registry.recent(limit)
    if format_ is Format.json:
        return print_json(records)
    listing = table("run", "status", "step", "base model", "started")
    for record in records:
        run = record.run
        listing.add_row(run.run_id, record.status, record.step, run.base_model, run.created_at)
    return console.print(listing)


@app.command(rich_help_panel=PANEL)
@on_stage
def show(
    here: Deployed,
    name: RunName,
    format_: FormatOption = Format.text,
) -> None:
    """Show all that is known of a run."""
    record = here.run(name)
    documents = {key: msgspec.json.decode(text) for key, text in record.documents.items()}
    if format_ is Format.json:
        return print_json(
            {"run": record.run, "status": record.status, "failure": record.failure, **documents}
        )
    console.print(f"{record.run.run_id}: {record.status}")
    if record.failure is not None:
        console.print(record.failure.cause, style="red")
    return console.print(_timeline(here.registry.steps(record.run.run_id)))


@app.command(rich_help_panel=PANEL)
@on_stage
def report(
    here: Deployed,
    name: RunName,
    output: Annotated[Path | None, typer.Option(help="Where to write it.")] = None,
) -> None:
    """Download a run's HTML report."""
    run_id = here.run(name).run.run_id
    path = output or Path(f"{run_id}.html")
    here.aws.s3.download_file(here.stage.artifacts_bucket, naming.report_key(run_id), str(path))
    console.print(str(path))


@app.command(rich_help_panel=PANEL)
@on_stage
def approve(here: Deployed, name: RunName) -> None:
    """Approve a run that waits because of what it would cost."""
    run = here.run(name).run
    here.signal(intake.signal_key(run.run_id, "approve"))
    console.print(f"approved {run.run_id}")


@app.command(rich_help_panel=PANEL)
@on_stage
def stop(here: Deployed, name: RunName) -> None:
    """Stop a run: its job is stopped, what serves its model is released."""
    run = here.run(name).run
    here.signal(intake.signal_key(run.run_id, "stop"))
    console.print(f"asked {run.run_id} to stop")


@app.command(rich_help_panel=PANEL)
@on_stage
def retry(
    here: Deployed,
    name: RunName,
    from_: Annotated[
        str, typer.Option("--from", metavar="STEP", help=f"An earlier step: {', '.join(POINTS)}.")
    ] = "",
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
) -> None:
    """Go on with a run from the step that failed. A model that was trained is never trained again."""
    if from_ and from_ not in POINTS:
        fail(f"a run can go on from {', '.join(POINTS)}", USAGE)
    record = here.run(name)
    if record.status not in RETRIABLE:
        fail(f"{record.run.run_id} is {record.status}: there is nothing to retry")
    here.signal(intake.signal_key(record.run.run_id, "retry"), from_)
    console.print(f"asked {record.run.run_id} to go on")
    if watch_it:
        _watch(here, _wait_for_run(here, record.run.run_id))


def _wait_for_run(here: Deployed, name: str, seconds: float = 120.0) -> Record:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = [record for record in here.registry.named(name) if record.is_open]
        if started:
            return started[0]
        time.sleep(1)
    return fail(f"no run of {name} has started; look at the state machine's executions")


def _watch(here: Deployed, record: Record) -> None:
    """The steps of a run as they happen; ends the program with 1 when the run did not end well."""
    steps: dict[tuple[str, str], StepRecord] = {}
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        for seen in follow(here.registry, record.run.run_id, time.monotonic() + 30 * 86_400):
            if isinstance(seen, Record):
                record = seen
            else:
                steps[(seen.step, seen.started_at)] = seen
                live.update(_timeline(list(steps.values())))
    console.print(f"{record.run.run_id}: {record.status}")
    if record.failure is not None:
        fail(record.failure.cause)


def _timeline(steps: list[StepRecord]) -> Table:
    listing = table("step", "started (UTC)", "took", "")
    for one in steps:
        took = f"{clock.seconds_between(one.started_at, one.ended_at):,.0f} s" if one.ended_at else "…"
        listing.add_row(one.step.replace("_", " "), one.started_at, took, one.error.partition("\n")[0])
    return listing

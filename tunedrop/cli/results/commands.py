"""Commands that read what runs have produced. What they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunedrop import clock
from tunedrop.cli import completion
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import FormatOption, RunName, examples, on_stage

if TYPE_CHECKING:
    from tunedrop.registry.summaries import Order

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog=examples(
        ("tunedrop runs --limit 5", "the five latest"),
        ("tunedrop runs --name support --sort improvement", "the best settings first"),
        ("tunedrop runs --status failed --status refused --since 2026-11-01", "problems of this month"),
        ("tunedrop runs --format json | jq -r .[].run_id", "for programs: all data of each run"),
    ),
)
@on_stage
def runs(
    here: Deployed,
    limit: Annotated[int, typer.Option(metavar="N", help="Maximum number of runs.", min=1)] = 20,
    name: Annotated[str, typer.Option(help="Only runs whose name contains this.")] = "",
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="Only runs with this status; may be repeated.",
            autocompletion=completion.statuses,
        ),
    ] = None,
    base_model: Annotated[
        str, typer.Option("--base-model", metavar="ID", help="Only runs whose base model contains this.")
    ] = "",
    data: Annotated[
        str, typer.Option(metavar="HASH", help="Only runs with this hash of their records.")
    ] = "",
    since: Annotated[str, typer.Option(metavar="DATE", help="Only runs since this day (YYYY-MM-DD).")] = "",
    sort: Annotated[
        str,
        typer.Option(metavar="BY", help=f"{', '.join(completion.ORDERS)}.", autocompletion=completion.orders),
    ] = "started",
    format_: FormatOption = Format.text,
) -> None:
    """List runs with their scores, settings, data and cost."""
    if sort not in completion.ORDERS:
        fail(f"--sort is one of {', '.join(completion.ORDERS)}", USAGE)
    if wrong := [one for one in status or () if one not in completion.STATUSES]:
        fail(f"--status {wrong[0]}: it is one of {', '.join(completion.STATUSES)}", USAGE)
    try:
        since = clock.at(since) if since else ""
    except ValueError:
        fail(f"--since {since}: write a day (YYYY-MM-DD) or a time (YYYY-MM-DDTHH:MM)", USAGE)
    from tunedrop.cli.results import _listing

    wanted = _listing.Wanted(
        name=name, statuses=tuple(status or ()), base_model=base_model, data=data, since=since
    )
    order: Order = sort  # type: ignore[assignment]
    _listing.show(here, wanted, order, limit, format_)


@app.command(
    epilog=examples(
        ("tunedrop show support", "steps, verdict, scores, cost"),
        ("tunedrop show support --format json | jq .evaluation", "one part of it"),
    ),
)
@on_stage
def show(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Show everything known about a run, including its steps and result."""
    from tunedrop.cli.results import _listing

    _listing.show_one(here, here.run(name), format_)


@app.command(
    epilog=examples(
        ("tunedrop compare support-0a1b2c3d4e support-5f6a7b8c9d", "settings, data, scores, answers"),
        ("tunedrop compare support persona --html compare.html", "as a page, with all answers"),
        ("tunedrop compare support-0a1b2c3d4e support-5f6a7b8c9d --format json", "for programs"),
    ),
)
@on_stage
def compare(
    here: Deployed,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Two or more runs, by id or name.", autocompletion=completion.run_ids
        ),
    ],
    answers: Annotated[int, typer.Option(metavar="N", help="Number of answers to show.", min=0)] = 3,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with all answers.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Compare runs: settings, data, scores on shared prompts, answers side by side."""
    from tunedrop.cli.results import _comparing

    _comparing.compare(here, names, answers, html, format_)


@app.command(
    epilog=examples(
        ("tunedrop export support-0a1b2c3d4e --mlflow https://mlflow.example.com", "one run"),
        ("tunedrop export support persona", "to the server in MLFLOW_TRACKING_URI"),
    ),
)
@on_stage
def export(
    here: Deployed,
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Runs, by id or name.", autocompletion=completion.run_ids),
    ],
    mlflow: Annotated[
        str,
        typer.Option(
            "--mlflow", metavar="URI", envvar="MLFLOW_TRACKING_URI", help="Address of the tracking server."
        ),
    ] = "",
    format_: FormatOption = Format.text,
) -> None:
    """Send ended runs to an MLflow tracking server: settings, scores, losses, cost, links."""
    from tunedrop.cli.results import _exporting

    _exporting.export(here, names, mlflow, format_)


@app.command(
    epilog=examples(
        (
            'tunedrop ask support "Where is my parcel?"',
            "the tuned model, its base and the production model",
        ),
        ("tunedrop ask support", "a chat; an empty line or Ctrl-D ends it"),
        ('tunedrop ask support "Where is my parcel?" --only tuned --format json', "for programs"),
    ),
)
@on_stage
def ask(
    here: Deployed,
    name: RunName,
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="The question; without one, start a chat.")
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="A system prompt instead of the one used in training."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="tuned, base or production; may be repeated."),
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """Ask a tuned model, its base model and the production model the same question."""
    from tunedrop.cli.results import _asking

    _asking.ask(here, name, prompt, _asking.Wanted(system, tuple(only or ())), format_)


@app.command(
    epilog=examples(
        ("tunedrop report support --output report.html", "download it"),
        ("tunedrop report support --open", "download it and open it in the browser"),
    ),
)
@on_stage
def report(
    here: Deployed,
    name: RunName,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="The output file.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Download a run's HTML report."""
    from tunedrop import naming
    from tunedrop.cli.output import answer

    record = here.run(name)
    if record.is_open:
        fail(f"{record.run.run_id} has not ended", NO, f"Follow it: tunedrop watch {record.run.run_id}")
    path = output or Path(f"{record.run.run_id}.html")
    key = naming.report_key(record.run.run_id)
    here.aws.s3.download_file(here.stage.artifacts_bucket, key, str(path))
    uri = naming.uri(here.stage.artifacts_bucket, key)
    answer({"run_id": record.run.run_id, "path": str(path), "uri": uri}, str(path), format_)
    if open_it:
        typer.launch(path.resolve().as_uri())

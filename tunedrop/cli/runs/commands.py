"""Commands about runs: from `submit` to `retry`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from tunedrop import intake, naming
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.options import FormatOption, RunName, examples, on_stage
from tunedrop.cli.output import Format, answer, console, errors, fail, print_json, table, when
from tunedrop.cli.runs import held_out, submitting
from tunedrop.cli.runs.live import events, view
from tunedrop.cli.runs.live import watch as following
from tunedrop.cli.runs.live.final import COLOURS
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import CompletedJob
from tunedrop.registration.resuming import POINTS, RETRIABLE
from tunedrop.registry import Record

PANEL = "Tune a model"

app = typer.Typer(rich_markup_mode=None)

WatchOption = Annotated[bool, typer.Option("--watch", "-w", help="Follow the run to its end.")]


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop submit runs/support --watch", "check, price, ask, upload, follow to the end"),
        ("tunedrop submit train.jsonl", "one file, with the stage's defaults"),
        ("tunedrop submit runs/support --yes --watch --format json", "for programs: one event a line"),
    ),
)
@on_stage
def submit(
    here: Deployed,
    path: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="A folder with run.yaml and its data, or one .jsonl.")
    ],
    watch_it: WatchOption = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Upload without checking first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before uploading.")] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Train although the same records and settings were trained before."),
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Check a run, price it, ask, upload it: the manifest last, which starts it."""
    raise typer.Exit(
        submitting.submit(
            here, path, check=not no_check, ask=not yes, follow=watch_it, again=again, format_=format_
        )
    )


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop watch support", "the latest run of that name; y and n answer when it asks"),
        ("tunedrop watch support --format json | jq .text", "one event a line"),
    ),
)
@on_stage
def watch(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Follow a run to its end: steps, losses, cost; answer when it asks for approval."""
    raise typer.Exit(following.watch(here, here.run(name), format_))


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop runs --limit 5", "the five latest"),
        ("tunedrop runs --format json | jq -r .[].run.run_id", "for programs"),
    ),
)
@on_stage
def runs(
    here: Deployed,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    format_: FormatOption = Format.text,
) -> None:
    """List the latest runs."""
    records = here.registry.recent(limit)
    if format_ is Format.json:
        return print_json(records)
    listing = table("run", "status", "base model", "started", "USD", right=["USD"])
    for record in records:
        usd = record.actual_usd if record.actual_usd is not None else record.estimated_usd
        listing.add_row(
            record.run.run_id,
            Text(_status(record), style=COLOURS.get(record.status, "cyan")),
            view.name_of(record.run.base_model),
            when(record.run.created_at),
            f"{usd:.2f}" if usd is not None else "",
        )
    console.print(listing)
    for run_id, error in here.registry.unreadable.items():
        errors.print(f"the registry's row of {run_id} cannot be read: {error}", style="red")
    if not records:
        errors.print("no runs yet; begin with: tunedrop init DIR")
    return None


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop show support", "steps, verdict, scores, cost"),
        ("tunedrop show support --format json | jq .evaluation", "one document of it"),
    ),
)
@on_stage
def show(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Show all that is known of a run: its steps, and how it ended."""
    record = here.run(name)
    if format_ is Format.json:
        documents = {key: msgspec.json.decode(text) for key, text in record.documents.items()}
        steps = here.registry.steps(record.run.run_id)
        known = {"run": record.run, "status": record.status, "failure": record.failure, "steps": steps}
        known["gone"] = sorted(record.gone)
        return print_json(known | documents)
    return following.show(here, record)


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop report support --output report.html", "download it"),
    ),
)
@on_stage
def report(
    here: Deployed,
    name: RunName,
    output: Annotated[Path | None, typer.Option(help="Where to write it.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Download a run's HTML report."""
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


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop approve support-0a1b2c3d4e --estimate 1-9f3c2a1b7d", "as the question says it"),
        ("tunedrop approve support", "shows what it would cost, and asks"),
    ),
)
@on_stage
def approve(
    here: Deployed,
    name: RunName,
    estimate: Annotated[
        str,
        typer.Option("--estimate", metavar="CODE", help="The estimate to approve, as the question names it."),
    ] = "",
    format_: FormatOption = Format.text,
) -> None:
    """Approve what a waiting run would cost: one estimate of one attempt, once."""
    record = here.run(name)
    run_id = record.run.run_id
    wait = here.waits.get(run_id, "approval") if record.is_open else None
    if wait is None:
        fail(f"{run_id} is {_status(record)}: it does not wait for approval")
    code = intake.read_key(wait.subject).code
    question, command = events.question(record), events.approve_command(record, wait, here.name)
    if estimate and estimate != code:
        fail(
            f"{run_id} waits with another estimate than {estimate}: {question}",
            NO,
            f"To approve it: {command}",
        )
    if not estimate:
        if not (errors.is_terminal and console.is_terminal):
            fail(
                f"say which estimate of {run_id} you approve: {question}", USAGE, f"To approve it: {command}"
            )
        if not typer.confirm(f"{run_id}: {question}. Approve it?", default=False, err=True):
            fail("nothing was approved", NO)
    here.signal(wait.subject)
    answer({"run_id": run_id, "asked": "approve", "estimate": code}, f"approved {run_id}", format_)


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop stop support", "stop it, and what it bills"),
    ),
)
@on_stage
def stop(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Stop a run: its job is stopped, what serves its model is released."""
    record = here.run(name)
    if not record.is_open:
        fail(f"{record.run.run_id} is {record.status}: there is nothing to stop")
    here.signal(intake.signal_key(record.run.run_id, "stop", str(record.run.attempt)))
    answer({"run_id": record.run.run_id, "asked": "stop"}, f"asked {record.run.run_id} to stop", format_)


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop retry support --watch", "from the step that failed"),
        ("tunedrop retry support --from validate_data", "from an earlier one"),
        ("tunedrop retry support --test more.jsonl", "after an inconclusive end: with more to tell by"),
    ),
)
@on_stage
def retry(
    here: Deployed,
    name: RunName,
    from_: Annotated[
        str, typer.Option("--from", metavar="STEP", help=f"An earlier step: {', '.join(POINTS)}.")
    ] = "",
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Held-out records to upload first, for a run that ended inconclusive: they join those split "
            "off its training data, or take the place of data.test.",
        ),
    ] = None,
    watch_it: WatchOption = False,
    format_: FormatOption = Format.text,
) -> None:
    """Go on with a run from the step that failed; or evaluate its model again, where it ended inconclusive.

    The test set is then as it is by now. A model that was trained is never trained again.
    """
    if from_ and from_ not in POINTS:
        fail(f"a run can go on from {', '.join(POINTS)}", USAGE)
    record = here.run(name)
    if record.status not in RETRIABLE:
        fail(f"{record.run.run_id} is {record.status}: there is nothing to retry")
    if test is not None:
        held_out.upload(here, record, test)
    here.signal(intake.signal_key(record.run.run_id, "retry", str(record.run.attempt)), from_)
    if not watch_it:
        return answer(
            {"run_id": record.run.run_id, "asked": "retry"}, f"asked {record.run.run_id} to go on", format_
        )
    again = following.started(lambda: _next_attempt(here, record), record.run.run_id)
    raise typer.Exit(following.watch(here, again, format_))


def _next_attempt(here: Deployed, before: Record) -> Record | None:
    record = here.registry.get(before.run.run_id)
    return record if record is not None and record.run.attempt > before.run.attempt else None


def _status(record: Record) -> str:
    if record.is_open:
        return record.step.replace("_", " ") or record.status
    job = record.document("job", CompletedJob)
    is_gone = job is not None and job.model_arn in record.gone
    return f"{record.status}, model deleted" if is_gone else record.status

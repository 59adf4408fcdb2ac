"""`tunedrop`: one entry point. Exit codes: 0 yes, 1 no or failed, 2 usage, 3 AWS could not be asked."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.live import Live
from rich.table import Table

from tunedrop import aws, clock, intake, naming
from tunedrop.cli import datasets, estimates, starting
from tunedrop.cli.output import NO_AWS, Format, console, fail, print_json, table
from tunedrop.cli.stage import Deployed
from tunedrop.cli.teardown import teardown as tear_down
from tunedrop.contracts import CompletedJob, Method
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Record, StepRecord
from tunedrop.registry.follow import follow
from tunedrop.resuming import POINTS, RETRIABLE
from tunedrop.serving import throughput as serving
from tunedrop.serving.sweep import in_service

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
throughput_app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(throughput_app, name="throughput")

StageOption = Annotated[
    str, typer.Option("--stage", envvar="TUNEDROP_STAGE_NAME", help="The deployed stage.")
]
Profile = Annotated[str | None, typer.Option(help="AWS profile, as for the AWS CLI.")]
Region = Annotated[str | None, typer.Option(help="AWS Region, as for the AWS CLI.")]
FormatOption = Annotated[Format, typer.Option("--format", help="Text for people, JSON for programs.")]
Name = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or its name for the latest of that name.")
]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Training file; then validation and held-out files.")],
    base_model: Annotated[str | None, typer.Option(help="Check against this base model's own rules.")] = None,
    method: Annotated[str, typer.Option(help="instruction, single-turn, multi-turn, … or auto.")] = "auto",
    format_: FormatOption = Format.text,
    max_errors: Annotated[int, typer.Option(help="How many findings to list; all are counted.")] = 100,
    fix: Annotated[Path | None, typer.Option(help="Write a repaired copy of a file, check that.")] = None,
) -> None:
    """Check a dataset on this machine, as the pipeline will. Needs no AWS."""
    if fix is not None:
        if len(files) != 1 or not files[0].is_file():
            fail("--fix takes one file at a time, which must exist", 2)
        datasets.fix(files[0], fix)
        files = [fix]
    asked = cast(Method | Literal["auto"], method)
    raise typer.Exit(datasets.check_files(files, base_model, asked, format_, max_errors))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    method: Annotated[
        str, typer.Option(help="instruction, single-turn, multi-turn or continued-pretraining.")
    ] = "single-turn",
) -> None:
    """Write a run's folder to begin with: a commented manifest and sample data."""
    starting.init(folder, cast(Method, method))


@app.command()
def estimate(
    folder: Annotated[Path, typer.Argument(help="A folder with run.yaml and its data files.")],
    base_model: Annotated[str | None, typer.Option(help="Instead of the manifest's, to compare.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="Count with this stage's defaults and budgets; none asks no AWS.")
    ] = None,
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Say what a run will cost before it is uploaded, with the source and date of every price."""
    here = Deployed(stage, profile, region) if stage is not None else None
    raise typer.Exit(estimates.estimate_folder(folder, base_model, here, format_))


@app.command()
def submit(
    folder: Annotated[Path, typer.Argument(help="A folder with run.yaml and its data files.")],
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Upload a run's folder: the data first, the manifest last, which starts it."""
    here = Deployed(stage, profile, region)
    manifests = [folder / name for name in intake.MANIFEST_NAMES if (folder / name).is_file()]
    if len(manifests) != 1:
        fail(f"{folder} needs exactly one of {', '.join(intake.MANIFEST_NAMES)}", 2)
    data = [path for path in sorted(folder.glob("*.jsonl")) if path.is_file()]
    for path in [*data, *manifests]:
        key = f"{intake.RUNS_PREFIX}{folder.resolve().name}/{path.name}"
        here.aws.s3.upload_file(str(path), here.stage.intake_bucket, key)
        console.print(f"uploaded  s3://{here.stage.intake_bucket}/{key}")
    if watch_it:
        _watch(here, _wait_for_run(here, folder.resolve().name))


@app.command()
def watch(name: Name, stage: StageOption = "dev", profile: Profile = None, region: Region = None) -> None:
    """Follow a run to its end."""
    here = Deployed(stage, profile, region)
    _watch(here, here.run(name))


@app.command()
def runs(
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """List the latest runs."""
    records = Deployed(stage, profile, region).registry.recent(limit)
    if format_ is Format.json:
        return print_json(records)
    listing = table("run", "status", "step", "base model", "started")
    for record in records:
        run = record.run
        listing.add_row(run.run_id, record.status, record.step, run.base_model, run.created_at)
    return console.print(listing)


@app.command()
def show(
    name: Name,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Show all that is known of a run."""
    here = Deployed(stage, profile, region)
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


@app.command()
def report(
    name: Name,
    output: Annotated[Path | None, typer.Option(help="Where to write it.")] = None,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Download a run's HTML report."""
    here = Deployed(stage, profile, region)
    run_id = here.run(name).run.run_id
    path = output or Path(f"{run_id}.html")
    here.aws.s3.download_file(here.stage.artifacts_bucket, naming.report_key(run_id), str(path))
    console.print(str(path))


@app.command()
def approve(name: Name, stage: StageOption = "dev", profile: Profile = None, region: Region = None) -> None:
    """Approve a run that waits because of what it would cost."""
    here = Deployed(stage, profile, region)
    run = here.run(name).run
    here.signal(intake.signal_key(run.run_id, "approve"))
    console.print(f"approved {run.run_id}")


@app.command()
def stop(name: Name, stage: StageOption = "dev", profile: Profile = None, region: Region = None) -> None:
    """Stop a run: its job is stopped, what serves its model is released."""
    here = Deployed(stage, profile, region)
    run = here.run(name).run
    here.signal(intake.signal_key(run.run_id, "stop"))
    console.print(f"asked {run.run_id} to stop")


@app.command()
def retry(
    name: Name,
    from_: Annotated[
        str, typer.Option("--from", metavar="STEP", help=f"An earlier step: {', '.join(POINTS)}.")
    ] = "",
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")] = False,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Go on with a run from the step that failed. A model that was trained is never trained again."""
    if from_ and from_ not in POINTS:
        fail(f"a run can go on from {', '.join(POINTS)}", 2)
    here = Deployed(stage, profile, region)
    record = here.run(name)
    if record.status not in RETRIABLE:
        fail(f"{record.run.run_id} is {record.status}: there is nothing to retry")
    here.signal(intake.signal_key(record.run.run_id, "retry"), from_)
    console.print(f"asked {record.run.run_id} to go on")
    if watch_it:
        _watch(here, _wait_for_run(here, record.run.run_id))


@app.command()
def models(
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """List the models in production: the alias that applications read, and what it stands for."""
    aliases = Deployed(stage, profile, region).aliases.all()
    if format_ is Format.json:
        return print_json(aliases)
    listing = table("alias", "modelId")
    for alias, model_id in aliases.items():
        listing.add_row(alias, model_id)
    return console.print(listing)


@app.command()
def promote(name: Name, stage: StageOption = "dev", profile: Profile = None, region: Region = None) -> None:
    """Point a name's production alias at a run's model, whatever the gate said."""
    here = Deployed(stage, profile, region)
    record = here.run(name)
    job = record.document("job", CompletedJob)
    if job is None:
        fail(f"{record.run.run_id} has trained no model")
    served = {one.model_arn: one.arn for one in in_service(here.aws.bedrock, here.stage)}
    model_id = served.get(job.model_arn, job.model_arn)
    promotion = here.aliases.promote(record.run.name, record.run.run_id, job.model_arn, model_id)
    console.print(f"{promotion.alias} stands for {model_id}")
    if model_id == job.model_arn:
        console.print(
            "nothing serves this model now: bring it into service before you ask it", style="yellow"
        )


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(help="The name of the model in production.")],
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Return an alias to the model that it stood for before."""
    try:
        promotion = Deployed(stage, profile, region).aliases.rollback(name)
    except LookupError as error:
        fail(str(error.args[0]))
    console.print(f"{promotion.alias} stands for {promotion.model_arn} again")


@throughput_app.callback(invoke_without_command=True)
def throughput(
    context: typer.Context,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Show what serves models now, since when, until when and at what rate."""
    if context.invoked_subcommand is not None:
        return
    here = Deployed(stage, profile, region)
    found = list(in_service(here.aws.bedrock, here.stage))
    if format_ is Format.json:
        print_json(found)
        return
    listing = table("run", "way", "status", "since", "until", "units", "USD an hour", "arn")
    for one in found:
        until = one.expires_at if one.way == "provisioned" else "free while idle"
        rate = "unknown" if one.hourly_usd is None else f"{one.hourly_usd:.2f}"
        listing.add_row(
            one.run_id, one.way, one.status, one.created_at, until, str(one.model_units), rate, one.arn
        )
    console.print(listing)
    console.print(f"in all {sum(one.hourly_usd or 0.0 for one in found):.2f} USD an hour")


@throughput_app.command("release")
def release(
    arn: Annotated[str, typer.Argument(help="What to end, as `tunedrop throughput` lists it.")],
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """End what serves a model, and what it bills."""
    here = Deployed(stage, profile, region)
    try:
        found = serving.release(here.aws.bedrock, arn)
    except (ThroughputFailed, TransientError) as error:
        fail(str(error))
    console.print(f"released {arn}" if found else f"{arn} was gone before")


@app.command()
def teardown(
    name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Of every run of the stage.")] = False,
    stage: StageOption = "dev",
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Delete what runs have made in Bedrock, check that it is gone, say what still bills."""
    if (name is None) != everything:
        fail("name one run, or say --all", 2)
    here = Deployed(stage, profile, region)
    run_id = here.run(name).run.run_id if name is not None else None
    raise typer.Exit(tear_down(here, run_id))


@app.command()
def local(
    command: Annotated[str, typer.Argument(metavar="up|down|reset", help="What to do with it.")],
) -> None:
    """Start the embedded AWS with a deployed stage, or end it. For a shell: eval "$(tunedrop local up)"."""
    if importlib.util.find_spec("local") is None:
        fail("the embedded AWS is part of the repository, not of the installed package: run it from there")
    raise typer.Exit(subprocess.call([sys.executable, "-m", "local", command]))  # noqa: S603 - our own


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


def main() -> None:
    """The entry point: errors of AWS are said in a sentence."""
    try:
        app()
    except (ClientError, BotoCoreError) as error:
        fail(aws.explain(error), NO_AWS)

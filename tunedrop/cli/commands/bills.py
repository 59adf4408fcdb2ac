"""Commands about what bills: `throughput`, `teardown`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunedrop.cli.exits import USAGE
from tunedrop.cli.options import FormatOption, on_stage
from tunedrop.cli.output import Format, console, fail, print_json, table
from tunedrop.cli.stage import Deployed
from tunedrop.cli.teardown import teardown as tear_down
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.serving import throughput as serving
from tunedrop.serving.sweep import in_service

PANEL = "See and end what bills"

app = typer.Typer()
throughput_app = typer.Typer()
app.add_typer(throughput_app, name="throughput", rich_help_panel=PANEL)


@throughput_app.callback(invoke_without_command=True)
@on_stage
def throughput(
    here: Deployed,
    context: typer.Context,
    format_: FormatOption = Format.text,
) -> None:
    """Show what serves models now, since when, until when and at what rate."""
    if context.invoked_subcommand is not None:
        return
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
@on_stage
def release(
    here: Deployed,
    arn: Annotated[str, typer.Argument(help="What to end, as `tunedrop throughput` lists it.")],
) -> None:
    """End what serves a model, and what it bills."""
    try:
        found = serving.release(here.aws.bedrock, arn)
    except (ThroughputFailed, TransientError) as error:
        fail(str(error))
    console.print(f"released {arn}" if found else f"{arn} was gone before")


@app.command(rich_help_panel=PANEL)
@on_stage
def teardown(
    here: Deployed,
    name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Of every run of the stage.")] = False,
) -> None:
    """Delete what runs have made in Bedrock, check that it is gone, say what still bills."""
    if (name is None) != everything:
        fail("name one run, or say --all", USAGE)
    run_id = here.run(name).run.run_id if name is not None else None
    raise typer.Exit(tear_down(here, run_id))

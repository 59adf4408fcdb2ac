"""Commands about models in production: `models`, `promote`, `rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunedrop.cli.options import FormatOption, RunName, on_stage
from tunedrop.cli.output import Format, console, fail, print_json, table
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import CompletedJob
from tunedrop.serving.sweep import in_service

PANEL = "Keep it in production"

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
@on_stage
def models(
    here: Deployed,
    format_: FormatOption = Format.text,
) -> None:
    """List the models in production: the alias that applications read, and what it stands for."""
    aliases = here.aliases.all()
    if format_ is Format.json:
        return print_json(aliases)
    listing = table("alias", "modelId")
    for alias, model_id in aliases.items():
        listing.add_row(alias, model_id)
    return console.print(listing)


@app.command(rich_help_panel=PANEL)
@on_stage
def promote(here: Deployed, name: RunName) -> None:
    """Point a name's production alias at a run's model, whatever the gate said."""
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


@app.command(rich_help_panel=PANEL)
@on_stage
def rollback(
    here: Deployed,
    name: Annotated[str, typer.Argument(help="The name of the model in production.")],
) -> None:
    """Return an alias to the model that it stood for before."""
    try:
        promotion = here.aliases.rollback(name)
    except LookupError as error:
        fail(str(error.args[0]))
    console.print(f"{promotion.alias} stands for {promotion.model_arn} again")

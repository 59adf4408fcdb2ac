"""Commands about models in production: `models`, `promote`, `rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunedrop.cli import completion
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.failures import Format
from tunedrop.cli.options import FormatOption, RunName, YesOption, examples, on_stage

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog=examples(
        ("tunedrop models --format json", "for programs"),
        ("tunedrop models support", "every version of one name"),
    ),
)
@on_stage
def models(
    here: Deployed,
    name: Annotated[str | None, typer.Argument(help="A name, to list all of its versions.")] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Print the model card of the version in production (Markdown).")
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """List the models in production, or all versions of one with their scores."""
    from tunedrop.cli.production import _listing

    if card:
        _listing.print_card(here, name)
    elif name is None:
        _listing.show(here, format_)
    else:
        _listing.show_versions(here, name, format_)


@app.command(
    epilog=examples(
        ("tunedrop promote support-0a1b2c3d4e", "asks for confirmation and shows the model it replaces"),
        ("tunedrop promote support-0a1b2c3d4e --yes", "without a terminal"),
    ),
)
@on_stage
def promote(
    here: Deployed,
    name: RunName,
    stable_arn: Annotated[
        bool, typer.Option("--stable-arn", help="Keep the production ARN and replace the model behind it.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Deploy the model first if it is not served.")
    ] = False,
    yes: YesOption = False,
    format_: FormatOption = Format.text,
) -> None:
    """Point a production alias to a run's model, regardless of the gate's verdict."""
    from tunedrop.cli.production import _moving

    _moving.promote(
        here, here.trained_run(name), stable_arn=stable_arn, serve=serve, yes=yes, format_=format_
    )


@app.command(
    epilog=examples(
        ("tunedrop rollback support", "to the previous model; asks for confirmation"),
        ("tunedrop rollback support --yes", "without a terminal"),
    ),
)
@on_stage
def rollback(
    here: Deployed,
    name: Annotated[
        str,
        typer.Argument(
            help="The name of the model in production.", autocompletion=completion.names_in_production
        ),
    ],
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Deploy the previous model first if it is not served."),
    ] = False,
    yes: YesOption = False,
    format_: FormatOption = Format.text,
) -> None:
    """Return a production alias to its previous model."""
    from tunedrop.cli.production import _moving

    _moving.rollback(here, here.name_with_a_model(name), serve=serve, yes=yes, format_=format_)

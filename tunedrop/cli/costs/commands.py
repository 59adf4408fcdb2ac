"""Commands about costs and cleanup: `throughput`, `teardown`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import FormatOption, YesOption, examples, on_stage

app = typer.Typer(rich_markup_mode=None)
throughput_app = typer.Typer(rich_markup_mode=None)
app.add_typer(throughput_app, name="throughput")


@throughput_app.callback(
    invoke_without_command=True,
    epilog=examples(
        ("tunedrop throughput", "billed resources and their expiry"),
        ("tunedrop throughput release ARN", "release one of them"),
    ),
)
@on_stage
def throughput(
    here: Deployed,
    context: typer.Context,
    format_: FormatOption = Format.text,
) -> None:
    """List the resources that serve models, with start, expiry and hourly cost."""
    if context.invoked_subcommand is not None:
        return
    from tunedrop.cli.costs import _serving

    _serving.show(here, format_)


@throughput_app.command(
    "release",
    epilog=examples(
        ("tunedrop throughput release ARN", "with an ARN from tunedrop throughput; asks for confirmation"),
        ("tunedrop throughput release ARN --yes", "without a terminal"),
    ),
)
@on_stage
def release(
    here: Deployed,
    arn: Annotated[str, typer.Argument(metavar="ARN", help="An ARN listed by `tunedrop throughput`.")],
    production: Annotated[
        bool,
        typer.Option(
            "--production",
            help="Also release a production model; its alias then points to a model that is not served.",
        ),
    ] = False,
    yes: YesOption = False,
    format_: FormatOption = Format.text,
) -> None:
    """Delete a resource that serves a model, and so stop its charges."""
    from tunedrop.cli.costs import _serving

    _serving.release(here, arn, production=production, yes=yes, format_=format_)


@app.command(
    epilog=examples(
        ("tunedrop teardown support-0a1b2c3d4e", "one run"),
        ("tunedrop teardown --all --stage dev", "before cdk destroy"),
        ("tunedrop teardown --all --yes --production", "without a terminal, including models in production"),
    ),
)
@on_stage
def teardown(
    here: Deployed,
    name: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All runs of the stage.")] = False,
    yes: YesOption = False,
    production: Annotated[
        bool, typer.Option("--production", help="Delete models in production without asking.")
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Delete the AWS resources that runs created, and verify that they are gone.

    CloudFormation does not track them. Open runs are stopped. The command asks before it deletes a model in
    production, and deletes its alias first. If it is interrupted, run it again to continue.
    """
    if (name is None) != everything:
        fail("give the id of one run, or --all", USAGE)
    from tunedrop.cli.costs._teardown import teardown as tear_down

    run_id = here.run(name).run.run_id if name is not None else None
    raise typer.Exit(tear_down(here, run_id, yes=yes, production=production, format_=format_))

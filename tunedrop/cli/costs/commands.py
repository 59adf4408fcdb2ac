"""Commands about what bills: `throughput`, `teardown`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from tunedrop import clock
from tunedrop.cli.costs.teardown import teardown as tear_down
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.options import FormatOption, examples, on_stage
from tunedrop.cli.output import Format, answer, blocks, console, fail, print_json, table, when
from tunedrop.cli.stage import Deployed
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.formatting.amounts import duration
from tunedrop.serving.production import Production
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.serving.sweep import InService, in_service

PANEL = "See and end what bills"
HOURS_A_MONTH = 730


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What `throughput --format json` prints; US dollars. What has no known price is not in the sums."""

    in_service: list[InService]
    hourly_usd: float
    monthly_usd: float


app = typer.Typer(rich_markup_mode=None)
throughput_app = typer.Typer(rich_markup_mode=None)
app.add_typer(throughput_app, name="throughput", rich_help_panel=PANEL)


@throughput_app.callback(
    invoke_without_command=True,
    epilog=examples(
        ("tunedrop throughput", "what bills now, and until when"),
        ("tunedrop throughput release ARN", "end one of them"),
    ),
)
@on_stage
def throughput(
    here: Deployed,
    context: typer.Context,
    format_: FormatOption = Format.text,
) -> None:
    """Show what serves models now, since when, until when and at what rate."""
    if context.invoked_subcommand is not None:
        return None
    found = list(in_service(here.aws.bedrock, here.stage))
    hourly = sum(one.hourly_usd or 0.0 for one in found)
    if format_ is Format.json:
        return print_json(Bill(in_service=found, hourly_usd=hourly, monthly_usd=hourly * HOURS_A_MONTH))
    return _show(found, hourly)


def _show(found: list[InService], hourly: float) -> None:
    found = sorted(found, key=lambda one: -(one.hourly_usd or 0.0))
    if console.is_terminal:
        blocks((one.arn, _facts(one)) for one in found)
    elif found:
        console.print(_listed(found))
    unpriced = sum(one.hourly_usd is None for one in found)
    at_least = "at least " if unpriced else ""
    console.print(
        f"{at_least}{hourly:.2f} USD an hour now; {at_least}{hourly * HOURS_A_MONTH:,.0f} USD in a month, "
        "were nothing ended"
        if hourly or unpriced
        else "nothing bills by the hour"
    )


def _listed(found: list[InService]) -> Table:
    listing = table("run", "served", "status", "since", "until", "USD an hour", "ARN")
    for one in found:
        since, until = when(one.created_at), _until(one)
        listing.add_row(one.run_id, _served(one), one.status, since, until, _rate(one), one.arn)
    return listing


def _facts(one: InService) -> dict[str, str]:
    return {
        "run": one.run_id,
        "serves": f"{_served(one)}, {one.status}, since {when(one.created_at)}",
        "bills": f"{_rate(one)} USD an hour; {_until(one)}",
    }


def _served(one: InService) -> str:
    return f"{one.model_units} model units" if one.way == "provisioned" else "on demand"


def _rate(one: InService) -> str:
    return "unknown" if one.hourly_usd is None else f"{one.hourly_usd:.2f}"


def _until(one: InService) -> str:
    if one.way == "on-demand":
        return "free while idle"
    if not console.is_terminal or not one.expires_at:
        return one.expires_at or "nobody ends it"
    left = clock.seconds_between(clock.now(), one.expires_at)
    return f"in {duration(left)}" if left > 0 else "the next sweep ends it"


@throughput_app.command(
    "release",
    epilog=examples(
        ("tunedrop throughput release ARN", "as tunedrop throughput lists it"),
    ),
)
@on_stage
def release(
    here: Deployed,
    arn: Annotated[str, typer.Argument(help="What to end, as `tunedrop throughput` lists it.")],
    production: Annotated[
        bool, typer.Option("--production", help="Also where an alias names it: the alias goes first.")
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """End what serves a model, and what it bills."""
    found = {one.arn: one for one in in_service(here.aws.bedrock, here.stage)}
    if arn not in found:
        fail(f"nothing of stage {here.name} serves a model under {arn}", NO, _hint(arn, found, here.name))
    run_id = found[arn].run_id
    try:
        if production:
            Production(here.aws, here.stage).stand_down(arn)
        Removal(here.aws, here.stage).remove(arn, run_id)
    except NamedInProduction as error:
        fail(str(error), NO, "To take it out of production all the same: --production")
    except (ThroughputFailed, TransientError) as error:
        fail(str(error))
    answer({"arn": arn, "released": True}, f"released {arn}", format_)


def _hint(arn: str, found: Iterable[str], stage: str) -> str:
    """What may have been meant. ARNs of an account are alike in all but the id at their end."""
    ids = {one.rpartition("/")[2]: one for one in found}
    near = difflib.get_close_matches(arn.rpartition("/")[2], ids, n=1, cutoff=0.8)
    return f"Did you mean {ids[near[0]]}?" if near else f"See them: tunedrop throughput --stage {stage}"


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop teardown support-0a1b2c3d4e", "one run"),
        ("tunedrop teardown --all --stage dev", "before cdk destroy"),
        ("tunedrop teardown --all --yes --production", "without a terminal, whatever is in production"),
    ),
)
@on_stage
def teardown(
    here: Deployed,
    name: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Of every run of the stage.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
    production: Annotated[
        bool, typer.Option("--production", help="Do not ask before taking a model out of production.")
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Delete the Bedrock resources that runs created, and verify that they are gone.

    CloudFormation does not track them. Open runs are stopped. A model in production is named and asked about;
    its alias is withdrawn before it goes. Interrupted, it goes on when it is run again.
    """
    if (name is None) != everything:
        fail("name one run, or say --all", USAGE)
    run_id = here.run(name).run.run_id if name is not None else None
    raise typer.Exit(tear_down(here, run_id, yes=yes, production=production, format_=format_))

"""Commands that start, follow, answer and retry runs. What they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunedrop.cli import completion
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import (
    DataPath,
    FormatOption,
    RunName,
    TenantOption,
    YesOption,
    examples,
    on_stage,
)

app = typer.Typer(rich_markup_mode=None)


WatchOption = Annotated[bool, typer.Option("--watch", "-w", help="Follow the run to its end.")]


@app.command(
    epilog=examples(
        ("tunedrop submit runs/support --watch", "check, estimate, confirm, upload, follow to the end"),
        ("tunedrop submit train.jsonl", "one file, with the stage's defaults"),
        ("tunedrop submit runs/support --yes --watch --format json", "for programs: one event per line"),
    ),
)
@on_stage
def submit(
    here: Deployed,
    path: DataPath,
    watch_it: WatchOption = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Upload without checking first.")] = False,
    yes: YesOption = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Train again even if the same records and settings were trained before."
        ),
    ] = False,
    tenant: TenantOption = "",
    format_: FormatOption = Format.text,
) -> None:
    """Check a run, estimate its cost, ask for confirmation and upload it."""
    from tunedrop.cli.runs import submitting

    raise typer.Exit(
        submitting.submit(
            here,
            path,
            check=not no_check,
            yes=yes,
            follow=watch_it,
            again=again,
            tenant=tenant,
            format_=format_,
        )
    )


@app.command(
    epilog=examples(
        ("tunedrop watch support", "the latest run of that name; answer approvals with y or n"),
        ("tunedrop watch support --format json | jq .text", "one event per line"),
    ),
)
@on_stage
def watch(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Follow a run to its end: steps, losses, cost, approval requests."""
    from tunedrop.cli.runs.live import watch as following

    raise typer.Exit(following.watch(here, here.run(name), format_))


@app.command(
    epilog=examples(
        ("tunedrop approve support-0a1b2c3d4e --estimate 1-9f3c2a1b7d", "as in the approval request"),
        ("tunedrop approve support", "shows the estimated cost and asks for confirmation"),
    ),
)
@on_stage
def approve(
    here: Deployed,
    name: RunName,
    estimate: Annotated[
        str,
        typer.Option("--estimate", metavar="CODE", help="The code of the estimate in the approval request."),
    ] = "",
    format_: FormatOption = Format.text,
) -> None:
    """Approve the estimated cost of a waiting run; valid once, for this attempt."""
    from tunedrop.cli.runs import _answering

    _answering.approve(here, here.run(name), estimate, format_)


@app.command(
    epilog=examples(
        ("tunedrop stop support", "stop the run and its charges"),
    ),
)
@on_stage
def stop(here: Deployed, name: RunName, format_: FormatOption = Format.text) -> None:
    """Stop a run and its job, and release the resources that serve its model."""
    from tunedrop.cli.runs import _answering

    _answering.stop(here, here.run(name), format_)


@app.command(
    epilog=examples(
        ("tunedrop retry support --watch", "resume from the step that failed"),
        ("tunedrop retry support --from validate_data", "resume from an earlier step"),
        ("tunedrop retry support --test more.jsonl", "after an inconclusive result, with more test records"),
        ("tunedrop retry support --yes --format json", "for programs"),
    ),
)
@on_stage
def retry(
    here: Deployed,
    name: RunName,
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="STEP", help=f"An earlier step: {', '.join(completion.RESUME_POINTS)}."
        ),
    ] = "",
    test: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="For an inconclusive run: held-out records to upload first. They are added to those that "
            "the run has.",
        ),
    ] = None,
    watch_it: WatchOption = False,
    yes: YesOption = False,
    format_: FormatOption = Format.text,
) -> None:
    """Resume a failed run, or re-evaluate the model of an inconclusive one.

    A re-evaluation uses the held-out records so far and new ones. A trained model is never trained again.
    """
    if from_ and from_ not in completion.RESUME_POINTS:
        fail(f"a run can be resumed from {', '.join(completion.RESUME_POINTS)}", USAGE)
    from tunedrop.cli.runs import _retrying

    raise typer.Exit(
        _retrying.retry(here, here.run(name), from_, test, follow=watch_it, yes=yes, format_=format_)
    )

"""Commands about what everything stands on: `doctor`, `local`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer

from tunedrop import catalog
from tunedrop.cli.exits import USAGE
from tunedrop.cli.machine import doctoring
from tunedrop.cli.options import BaseModelOption, FormatOption, examples, on_stage
from tunedrop.cli.output import Format, fail
from tunedrop.cli.stage import Deployed

PANEL = "Set up"

app = typer.Typer()


class LocalCommand(StrEnum):
    """What can be done with the embedded AWS."""

    up = "up"
    down = "down"
    reset = "reset"


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop doctor", "the stage, its default base model, the quotas it needs"),
        ("tunedrop doctor --base-model meta.llama3-1-8b-instruct-v1:0:128k", "another base model"),
        ("tunedrop doctor --format json", "for programs; exit code 1 when something would fail"),
    ),
)
@on_stage
def doctor(here: Deployed, base_model: BaseModelOption = None, format_: FormatOption = Format.text) -> None:
    """Look at everything that a deployment needs before it fails, and say what to ask for."""
    try:
        model = catalog.find(base_model) if base_model is not None else None
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
    raise typer.Exit(doctoring.doctor(here.aws, here.name, model, format_))


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ('eval "$(tunedrop local up)"', "start it, and point this shell at it"),
        ("tunedrop submit examples/support-persona --watch", "a whole run, here"),
        ("tunedrop local down", "end it"),
    ),
)
def local(
    command: Annotated[LocalCommand, typer.Argument(metavar="up|down|reset", help="What to do with it.")],
    format_: FormatOption = Format.text,
) -> None:
    """Start the embedded AWS with a deployed stage, or end it: a whole account on this machine."""
    if importlib.util.find_spec("local") is None:
        fail(
            "the embedded AWS is part of the repository, not of the installed package",
            USAGE,
            "Run it from a checkout: make setup, then .venv/bin/tunedrop local up",
        )
    with subprocess.Popen([sys.executable, "-m", "local", command, format_]) as process:  # noqa: S603 - our own
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal has told it too; it cleans up by itself.
            code = process.wait()
    raise typer.Exit(code)

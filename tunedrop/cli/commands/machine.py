"""Commands about this machine: `local`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Annotated

import typer

from tunedrop.cli.output import fail

PANEL = "Set up"

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def local(
    command: Annotated[str, typer.Argument(metavar="up|down|reset", help="What to do with it.")],
) -> None:
    """Start the embedded AWS with a deployed stage, or end it. For a shell: eval "$(tunedrop local up)"."""
    if importlib.util.find_spec("local") is None:
        fail("the embedded AWS is part of the repository, not of the installed package: run it from there")
    raise typer.Exit(subprocess.call([sys.executable, "-m", "local", command]))  # noqa: S603 - our own

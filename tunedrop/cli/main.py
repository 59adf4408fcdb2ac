"""The entry point `tunedrop`: its groups of commands in the order of the journey."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from tunedrop.cli.costs import commands as bills
from tunedrop.cli.data import commands as data
from tunedrop.cli.exits import MEANINGS
from tunedrop.cli.machine import commands as machine
from tunedrop.cli.output import console
from tunedrop.cli.production import commands as production
from tunedrop.cli.program import Program
from tunedrop.cli.runs import commands as runs

_HELP = """Drop a dataset in, get a fine-tuned Amazon Bedrock model back.

Start here:  tunedrop init DIR · tunedrop check DIR · tunedrop submit DIR --watch
"""

_EPILOG = "Exit codes\n\n" + "\n\n".join(f"{code}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    cls=Program, no_args_is_help=True, pretty_exceptions_enable=False, help=_HELP, epilog=_EPILOG
)
for group in (data, runs, production, bills, machine):
    app.add_typer(group.app)


def _print_version(asked: bool) -> None:
    if asked:
        console.print(f"tunedrop {version('tunedrop')}")
        raise typer.Exit


@app.callback()
def _top(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """What the console script calls."""
    app()

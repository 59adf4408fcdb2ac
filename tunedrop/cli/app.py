"""The command line: global options, and the commands in the order in which they are used."""

from __future__ import annotations

from typing import Annotated

import typer

from tunedrop import __version__
from tunedrop.cli.exits import MEANINGS
from tunedrop.cli.program import CONTEXT, Program

_HELP = """Drop a dataset in, get a fine-tuned Amazon Bedrock model back.

Start here:  tunedrop init DIR · tunedrop check DIR · tunedrop submit DIR --watch
"""

_EPILOG = "\b\nExit codes\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=_HELP,
    epilog=_EPILOG,
    context_settings=CONTEXT,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tunedrop {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    show_version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass

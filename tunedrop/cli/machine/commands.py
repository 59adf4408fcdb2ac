"""Commands about the environment: `doctor`, `local`."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import BaseModelOption, FormatOption, examples, on_stage

_CHECKOUT = Path(__file__).resolve().parents[3]
"""The repository, if this package runs from a checkout."""

app = typer.Typer(rich_markup_mode=None)


class LocalCommand(StrEnum):
    """Actions on the embedded AWS."""

    up = "up"
    down = "down"
    reset = "reset"


@app.command(
    epilog=examples(
        ("tunedrop doctor", "the stage, its default base model and quotas"),
        ("tunedrop doctor --base-model amazon.nova-pro-v1:0:300k", "another base model"),
        ("tunedrop doctor --format json", "for programs; exit code 1 if something would fail"),
        ("tunedrop doctor --compare-local", "differences between AWS and the embedded AWS"),
    ),
)
@on_stage
def doctor(
    here: Deployed, base_model: BaseModelOption = None, format_: FormatOption = Format.text,
    compare_local: Annotated[
        bool,
        typer.Option("--compare-local", help="Compare AWS's responses with the embedded AWS; read-only."),
    ] = False,
    record: Annotated[
        str,
        typer.Option(
            metavar="FOLDER",
            help="With --compare-local: save the responses to this folder, without account ids.",
        ),
    ] = "",
) -> None:  # fmt: skip
    """Check prerequisites and list what to request."""
    if compare_local:
        raise typer.Exit(_of_the_repository("local.compare", *(["--record", record] if record else [])))
    from tunedrop import catalog
    from tunedrop.cli.machine import _doctoring

    try:
        model = catalog.find(base_model) if base_model is not None else None
    except LookupError as error:
        fail(str(error.args[0]), USAGE)
    raise typer.Exit(_doctoring.doctor(here.aws, here.name, model, format_))


@app.command(
    epilog=examples(
        ('eval "$(tunedrop local up)"', "start it and configure this shell"),
        ("tunedrop submit examples/support-persona --watch", "run the whole pipeline on this machine"),
        ("tunedrop local down", "stop it"),
    ),
)
def local(
    command: Annotated[
        LocalCommand, typer.Argument(metavar="up|down|reset", help="Start, stop, or start afresh.")
    ],
    format_: FormatOption = Format.text,
) -> None:
    """Start or stop the embedded AWS on this machine, with a stage deployed."""
    raise typer.Exit(_of_the_repository("local", command, format_))


def _of_the_repository(module: str, *arguments: str) -> int:
    """Run a module of the embedded AWS in a separate process; returns its exit code."""
    if not (_CHECKOUT / "local" / "__main__.py").exists():
        fail(
            "the embedded AWS is part of the repository, not of the installed package",
            USAGE,
            "Run it from a checkout: make setup, then .venv/bin/tunedrop",
        )
    path = os.pathsep.join(filter(None, (str(_CHECKOUT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", module, *arguments]  # -P: nothing of the current folder
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}) as process:  # noqa: S603 - our own
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The child gets Ctrl-C from the terminal too, and cleans up by itself.
            return process.wait()

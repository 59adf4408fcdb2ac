"""Commands about datasets, on this machine: `init`, `check`, `explain`, `convert`, `estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from tunedrop.cli import converting, datasets, estimates, explaining, starting
from tunedrop.cli.exits import USAGE
from tunedrop.cli.options import FormatOption, Profile, Region
from tunedrop.cli.output import Format, fail
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import Method
from tunedrop.dataset.convert import Target

PANEL = "Prepare a dataset (no AWS needed)"

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    method: Annotated[
        str, typer.Option(help="instruction, single-turn, multi-turn or continued-pretraining.")
    ] = "single-turn",
) -> None:
    """Write a run's folder to begin with: a commented manifest and sample data."""
    starting.init(folder, cast(Method, method))


@app.command(rich_help_panel=PANEL)
def check(
    files: Annotated[list[Path], typer.Argument(help="Training file; then validation and held-out files.")],
    base_model: Annotated[str | None, typer.Option(help="Check against this base model's own rules.")] = None,
    method: Annotated[str, typer.Option(help="instruction, single-turn, multi-turn, … or auto.")] = "auto",
    format_: FormatOption = Format.text,
    max_errors: Annotated[int, typer.Option(help="How many findings to list; all are counted.")] = 100,
    fix: Annotated[Path | None, typer.Option(help="Write a repaired copy of a file, check that.")] = None,
) -> None:
    """Check a dataset on this machine, as the pipeline will. Needs no AWS."""
    if fix is not None:
        if len(files) != 1 or not files[0].is_file():
            fail("--fix takes one file at a time, which must exist", USAGE)
        datasets.fix(files[0], fix)
        files = [fix]
    asked = cast(Method | Literal["auto"], method)
    raise typer.Exit(datasets.check_files(files, base_model, asked, format_, max_errors))


@app.command(rich_help_panel=PANEL)
def explain(
    code: Annotated[str, typer.Argument(help="The code of a finding, as TD030.")],
    format_: FormatOption = Format.text,
) -> None:
    """Say what a rule is about, with a dataset that breaks it and how to fix that. Needs no AWS."""
    explaining.explain(code, format_)


@app.command(rich_help_panel=PANEL)
def convert(
    file: Annotated[Path, typer.Argument(help="A dataset: JSON lines, or CSV or TSV with a header.")],
    to: Annotated[str, typer.Option(help="prompt-completion, converse, openai-chat, alpaca, text or csv.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it; else to standard output.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="For CSV: prompt=NAME, completion=NAME or system=NAME.")
    ] = None,
    skip: Annotated[bool, typer.Option(help="Leave out the records that cannot be converted.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Write a dataset in another format, and say what is lost. Needs no AWS."""
    if to not in get_args(Target):
        fail(f"--to {to}: it is one of {', '.join(get_args(Target))}", USAGE)
    target = cast(Target, to)
    raise typer.Exit(converting.convert_file(file, target, out, column or [], skip, format_))


@app.command(rich_help_panel=PANEL)
def estimate(
    folder: Annotated[Path, typer.Argument(help="A folder with run.yaml and its data files.")],
    base_model: Annotated[str | None, typer.Option(help="Instead of the manifest's, to compare.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="Count with this stage's defaults and budgets; none asks no AWS.")
    ] = None,
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Say what a run will cost before it is uploaded, with the source and date of every price."""
    here = Deployed(stage, profile, region) if stage is not None else None
    raise typer.Exit(estimates.estimate_path(folder, base_model, here, format_))

"""Options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate

import typer

from tunedrop.cli import completion
from tunedrop.cli.deployed import DEFAULT_STAGE, STAGE_VARIABLE, Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail

if TYPE_CHECKING:
    from tunedrop.contracts import ReadOptions

WHERE = "Where"

StageOption = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="NAME",
        envvar=STAGE_VARIABLE,
        help=f"The deployed stage; default: `tunedrop_stage` of the AWS profile, or {DEFAULT_STAGE}.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="AWS profile, as for the AWS CLI.", rich_help_panel=WHERE),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
        help="AWS Region, as for the AWS CLI.",
        rich_help_panel=WHERE,
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Text for people, JSON for programs.")]
DataPath = Annotated[
    Path,
    typer.Argument(metavar="DIR|FILE", help="A folder with run.yaml and its data, or one data file."),
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask for confirmation; required without a terminal.")
]
TenantOption = Annotated[
    str, typer.Option("--tenant", metavar="NAME", help="Whose run it is, if the stage has tenants.")
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id, or a name for its latest run.",
        autocompletion=completion.run_ids,
    ),
]
BaseModelOption = Annotated[
    str | None,
    typer.Option(
        "--base-model",
        metavar="ID",
        help="A base model of the catalog; overrides the manifest and the stage.",
        autocompletion=completion.base_models,
    ),
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method",
        help="instruction, single-turn, multi-turn, … or auto to infer it from the records.",
        autocompletion=completion.methods_or_auto,
    ),
]

EncodingOption = Annotated[
    str,
    typer.Option(
        "--encoding", metavar="NAME", help="Encoding of a text file, such as cp1252; default: detected."
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="PART=NAME",
        help="prompt=NAME, completion=NAME, system=NAME, chosen=NAME or rejected=NAME.",
    ),
]
RulesOption = Annotated[
    Path | None,
    typer.Option(
        "--rules",
        metavar="FILE",
        help="The stage's changes to the rules: a YAML or JSON file with severity and thresholds.",
    ),
]
ValidationOption = Annotated[
    list[Path] | None, typer.Option("--validation", metavar="FILE", help="A validation file.")
]
TestOption = Annotated[list[Path] | None, typer.Option("--test", metavar="FILE", help="A held-out file.")]


def read_options(encoding: str, columns: list[str] | None) -> ReadOptions:
    """How to read files, from the options of a command."""
    from tunedrop.contracts import ReadOptions
    from tunedrop.dataset.formats.unreadable import NotReadable
    from tunedrop.dataset.sources.containers.encoding import named
    from tunedrop.dataset.sources.containers.tables import PARTS

    parts = {part: name for part, _, name in (one.partition("=") for one in columns or ())}
    wrong = [part for part, name in parts.items() if part not in PARTS or not name]
    if wrong:
        fail(f"--column {wrong[0]}: write {'=NAME, '.join(PARTS)}=NAME", USAGE)
    if encoding:
        try:
            named(encoding)
        except NotReadable as error:
            fail(f"--encoding: {error}", USAGE)
    return ReadOptions(encoding=encoding, columns=parts)


def examples(*commands: tuple[str, str]) -> str:
    """The examples at the end of a command's help."""
    lines = "\n".join(f"  # {what}\n  {command}" for command, what in commands)
    return f"\b\nExamples\n{lines}"


def on_stage(command: Callable[Concatenate[Deployed, ...], None]) -> Callable[..., None]:
    """Add `--stage`, `--profile` and `--region` to a command, whose first argument is the deployed stage."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (
            ("stage", None, StageOption),
            ("profile", None, Profile),
            ("region", None, Region),
        )
    ]

    @wraps(command)
    def run(*, stage: str | None, profile: str | None, region: str | None, **rest: Any) -> None:
        command(Deployed(stage, profile, region), **rest)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    del run.__wrapped__
    return run

"""Options that many commands share, each written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Concatenate

import typer

from tunedrop.cli.output import Format
from tunedrop.cli.stage import Deployed

WHERE = "Where"
STAGE_VARIABLE = "TUNEDROP_STAGE_NAME"

StageOption = Annotated[
    str, typer.Option("--stage", envvar=STAGE_VARIABLE, help="The deployed stage.", rich_help_panel=WHERE)
]
Profile = Annotated[
    str | None, typer.Option("--profile", help="AWS profile, as for the AWS CLI.", rich_help_panel=WHERE)
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
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or its name for the latest of that name.")
]


def on_stage(command: Callable[Concatenate[Deployed, ...], None]) -> Callable[..., None]:
    """Give a command `--stage`, `--profile` and `--region`: the deployed stage is its first argument."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (
            ("stage", "dev", StageOption),
            ("profile", None, Profile),
            ("region", None, Region),
        )
    ]

    @wraps(command)
    def run(*, stage: str, profile: str | None, region: str | None, **rest: Any) -> None:
        command(Deployed(stage, profile, region), **rest)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + shared
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    del run.__wrapped__
    return run

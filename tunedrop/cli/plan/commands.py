"""Commands that plan a run: which model, which method, at what cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from tunedrop.advice.questions import Changes, Goal, Material
from tunedrop.cli import completion
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.options import (
    BaseModelOption,
    ColumnOption,
    DataPath,
    EncodingOption,
    FormatOption,
    Profile,
    Region,
    TenantOption,
    examples,
    read_options,
)

if TYPE_CHECKING:
    from tunedrop.contracts import Method

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog=examples(
        ("tunedrop advise", "answer a few questions"),
        ("tunedrop advise train.jsonl --for persona --region us-east-1", "infer the rest from the data"),
        ("tunedrop advise train.jsonl --for task --write runs/first", "write the recommended run"),
    ),
)
def advise(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DIR|FILE", help="A dataset, or a run's folder, if you have one."),
    ] = None,
    goal: Annotated[Goal | None, typer.Option("--for", help="The goal of tuning.")] = None,
    material: Annotated[
        Material | None, typer.Option("--from", help="The available material, if there is no dataset yet.")
    ] = None,
    changes: Annotated[
        Changes | None, typer.Option(help="How often the facts behind answers change.")
    ] = None,
    cite: Annotated[bool | None, typer.Option(help="Whether answers must cite a source.")] = None,
    prompted: Annotated[
        bool | None, typer.Option("--prompted/--not-prompted", help="Whether you have tried a good prompt.")
    ] = None,
    requests_a_day: Annotated[int | None, typer.Option(min=0, help="Expected requests per day.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Budget of a run in US dollars.")] = None,
    region: Region = None,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the recommended run to this folder.")
    ] = None,
    no_questions: Annotated[bool, typer.Option("--no-questions", help="Do not ask questions.")] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Recommend whether to tune, with which method, base model and data, at what cost, with reasons."""
    from tunedrop.advice.situation import Situation
    from tunedrop.cli.plan import _advising

    situation = Situation(
        goal=goal,
        material=material,
        changes=changes,
        must_cite=cite,
        has_prompted=prompted,
        requests_a_day=requests_a_day,
        budget_usd=budget,
        region=region,
    )
    raise typer.Exit(_advising.advise_on(situation, data, ask=not no_questions, write=write, format_=format_))


@app.command(
    epilog=examples(
        ("tunedrop bases", "models that can be tuned today, with prices"),
        ("tunedrop bases --method distillation", "models for one method"),
        ("tunedrop bases --all", "also models that cannot be tuned, with reason and successor"),
        ("tunedrop bases --offline --format json", "for programs, without asking AWS"),
    ),
)
def bases(
    method: Annotated[
        str | None,
        typer.Option(help="Only base models that support this method.", autocompletion=completion.methods),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Include models that cannot be tuned, with the reason.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not call AWS; use only the catalog.")
    ] = False,
    profile: Profile = None,
    region: Annotated[
        str | None, typer.Option("--region", help="Only models of this Region; default: all Regions.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """List the base models that can be tuned: methods, Regions, limits, prices, lifecycle."""
    from tunedrop.cli.plan import _bases as listing
    from tunedrop.contracts import Method

    if method is not None and method not in get_args(Method):
        fail(f"--method is one of {', '.join(get_args(Method))}", USAGE)

    aws = None if offline else listing.reachable(profile)
    raise typer.Exit(
        listing.show(cast("Method | None", method), region, every=every, aws=aws, format_=format_)
    )


@app.command(
    epilog=examples(
        ("tunedrop init runs/support", "single-turn, with sample records"),
        ("tunedrop init runs/shop --method multi-turn", "conversations"),
    ),
)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.")],
    method: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(completion.STARTERS)}.",
            autocompletion=completion.starters,
        ),
    ] = "single-turn",
    base_model: BaseModelOption = None,
    format_: FormatOption = Format.text,
) -> None:
    """Create a starter run: a commented manifest and sample data."""
    if method not in completion.STARTERS:
        fail(f"--method is one of {', '.join(completion.STARTERS)}", USAGE)
    from tunedrop.cli.plan import _starting

    _starting.init(folder, cast("Method", method), base_model, format_)


@app.command(
    epilog=examples(
        ("tunedrop estimate runs/support", "with the manifest's budget"),
        ("tunedrop estimate train.jsonl --base-model amazon.nova-lite-v1:0:300k", "one file"),
        ("tunedrop estimate runs/support --stage dev", "with a stage's defaults and budgets"),
    ),
)
def estimate(
    path: DataPath,
    base_model: BaseModelOption = None,
    encoding: EncodingOption = "",
    column: ColumnOption = None,
    stage: Annotated[
        str | None, typer.Option(help="Use this stage's defaults and budgets; without it, AWS is not called.")
    ] = None,
    tenant: TenantOption = "",
    profile: Profile = None,
    region: Region = None,
    format_: FormatOption = Format.text,
) -> None:
    """Estimate the cost of a run before you upload it, with the source and date of every price."""
    from tunedrop.cli.plan import estimating

    if tenant and stage is None:
        fail("--tenant goes with --stage, which has the tenant's budget", USAGE)
    here = Deployed(stage, profile, region) if stage is not None else None
    reading = read_options(encoding, column)
    raise typer.Exit(estimating.estimate_path(path, base_model, here, format_, tenant, reading))

"""Commands about models in production: `models`, `promote`, `rollback`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from tunedrop import catalog
from tunedrop.cli.options import FormatOption, RunName, examples, on_stage
from tunedrop.cli.output import Format, blocks, console, errors, fail, print_json, table, when
from tunedrop.cli.stage import Deployed
from tunedrop.contracts import CompletedJob, DeploymentSettings, Promotion
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry.aliases import InProduction
from tunedrop.registry.versions import Version, versions
from tunedrop.reporting.verdict import number
from tunedrop.serving import choose, revive
from tunedrop.serving.production import NotServed, Production, serves
from tunedrop.serving.sweep import in_service

PANEL = "Keep it in production"
PATIENCE_SECONDS = 3600.0
"""How long Bedrock may take to bring a model into service; deployments took about 8 minutes (2026-08)."""

T = TypeVar("T")

app = typer.Typer(rich_markup_mode=None)


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop models --format json", "by alias"),
        ("tunedrop models support", "every version of one name"),
    ),
)
@on_stage
def models(
    here: Deployed,
    name: Annotated[
        str | None, typer.Argument(help="One name: every version that was trained for it.")
    ] = None,
    format_: FormatOption = Format.text,
) -> None:
    """List the models in production, or all versions of one with their scores."""
    if name is not None:
        return _list_versions(here, name, format_)
    aliases = here.aliases.all()
    if format_ is Format.json:
        return print_json(aliases)
    rows = []
    for alias, model_id in aliases.items():
        history = here.aliases.history_at(alias)
        run_id, since = (history[0].run_id, when(history[0].since)) if history else ("", "")
        rows.append((alias, {"modelId": model_id, "run": run_id, "since": since}))
    if not rows:
        errors.print("no model is in production yet")
    return blocks(rows) if console.is_terminal else console.print(_listed(rows))


def _listed(rows: list[tuple[str, dict[str, str]]]) -> Table:
    listing = table("alias", "modelId", "run", "since")
    for alias, facts in rows:
        listing.add_row(alias, *facts.values())
    return listing


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop promote support-0a1b2c3d4e", "that run's model"),
    ),
)
@on_stage
def promote(
    here: Deployed,
    name: RunName,
    stable_arn: Annotated[
        bool, typer.Option("--stable-arn", help="Put it behind the ARN that is in production now.")
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Point a name's production alias at a run's model, whatever the gate said."""
    record = here.run(name)
    job = record.document("job", CompletedJob)
    if job is None:
        fail(f"{record.run.run_id} has trained no model")
    served = {one.model_arn: one.arn for one in in_service(here.aws.bedrock, here.stage)}
    production = Production(here.aws, here.stage)
    run, settings = record.run, DeploymentSettings(stable_arn=stable_arn)
    served_by = served.get(job.model_arn)
    _tell(
        _waited(lambda: production.promote(run.name, run.run_id, job.model_arn, served_by, settings)),
        record.run.name,
        format_,
    )


@app.command(
    rich_help_panel=PANEL,
    epilog=examples(
        ("tunedrop rollback support", "to the model before"),
    ),
)
@on_stage
def rollback(
    here: Deployed,
    name: Annotated[str, typer.Argument(help="The name of the model in production.")],
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Bring the earlier model into service first, should nothing serve it."),
    ] = False,
    format_: FormatOption = Format.text,
) -> None:
    """Return to the model that a name stood for before."""
    production = Production(here.aws, here.stage)
    try:
        _tell(_waited(lambda: production.rollback(name)), name, format_)
    except LookupError as error:
        fail(str(error.args[0]))
    except NotServed as error:
        if not serve:
            fail(_how_to_serve(here, name, error))
        served_by = _serve(here, error.model)
        _tell(_waited(lambda: production.rollback(name, served_by)), name, format_)


def _list_versions(here: Deployed, name: str, format_: Format) -> None:
    found = versions(here.registry, here.aliases, name)
    if format_ is Format.json:
        return print_json(found)
    if not found:
        fail(
            f"no model was trained for {name}; names in production: tunedrop models --stage {here.stage.name}"
        )
    return console.print(_table(found))


def _table(found: list[Version]) -> Table:
    listing = table("version", "run", "trained", "outcome", "base to tuned", "USD", "uploaded by", "")
    for one in found:
        listing.add_row(
            str(one.number),
            one.run_id,
            when(one.created_at),
            one.outcome,
            number(one.score) if one.score is not None else "",
            f"{one.cost_usd:.2f}" if one.cost_usd is not None else "",
            one.uploaded_by,
            one.standing,
            style="bold" if one.standing == "in production" else None,
        )
    return listing


def _tell(promotion: Promotion, name: str, format_: Format) -> None:
    if format_ is Format.json:
        return print_json(promotion)
    console.print(f"{promotion.alias} stands for {promotion.model_id}, model {promotion.model_arn}")
    if promotion.swapped:
        console.print("the ARN is the same as before: clients that pinned it go on with this model")
    if promotion.note:
        console.print(promotion.note, style="yellow")
    if not serves(promotion.model_id):
        console.print(
            f"nothing serves this model now: bring it into service before you ask it, or return to the one "
            f"before: tunedrop rollback {name}",
            style="yellow",
        )
    return None


def _how_to_serve(here: Deployed, name: str, error: NotServed) -> str:
    """What rollback says when nothing serves the model to return to: the command, and what it costs."""
    base_model = catalog.base_of(error.model.model_arn)
    cost = "free while idle"
    if base_model is not None and choose.way(base_model, DeploymentSettings()) == "provisioned":
        rate = choose.rate_of(error.model.model_arn, 1, "none")
        dollars = "at a price that is not known" if rate is None else f"at {rate:.2f} USD an hour"
        hours = here.stage.throughput_expiry_seconds / 3600
        cost = f"by provisioned throughput {dollars}, for {hours:.0f} hours unless you release it earlier"
    return (
        f"{error}. Bring it into service first ({cost}):\n"
        f"  tunedrop rollback {name} --serve --stage {here.stage.name}"
    )


def _serve(here: Deployed, model: InProduction) -> str:
    """Bring a model into service; gives the ARN that serves it."""
    try:
        serving = _waited(lambda: revive.create(here.aws.bedrock, here.stage, model))
        errors.print(f"bringing {model.model_arn} into service as {serving.arn}", style="dim")
        return _waited(lambda: revive.ready(here.aws.bedrock, serving))
    except (LookupError, ThroughputFailed) as error:
        fail(str(error.args[0]))


def _waited(step: Callable[[], T]) -> T:
    """What a step gives, once AWS has finished what it needs."""
    deadline, pause, said = time.monotonic() + PATIENCE_SECONDS, 0.5, ""
    while True:
        try:
            return step()
        except TransientError as error:
            if time.monotonic() > deadline:
                fail(f"{error}; it is not done yet, try again later")
            if str(error) != said:
                errors.print(f"waiting: {error}", style="dim")
                said = str(error)
            time.sleep(pause)
            pause = min(10.0, 1.5 * pause)

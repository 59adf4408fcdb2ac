"""`promote` and `rollback`: show the production model, ask for confirmation, and change the alias."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from tunedrop.cli.confirming import confirm, if_interrupted
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.output import Format, console, errors, fail, print_json, when
from tunedrop.contracts import DeploymentSettings, Promotion, Run
from tunedrop.errors import NameTaken, ThroughputFailed, TransientError
from tunedrop.formatting.commands import command
from tunedrop.registry import Record
from tunedrop.registry.aliases import InProduction
from tunedrop.serving import choose, kinds, models, revive
from tunedrop.serving.production import Moved, NotServed, Production, serves
from tunedrop.serving.sweep import in_service

PATIENCE_SECONDS = 3600.0
"""How long to wait for Bedrock to deploy a model; deployments took about 8 minutes (2026-08)."""

T = TypeVar("T")


def promote(
    here: Deployed, record: Record, *, stable_arn: bool, serve: bool, yes: bool, format_: Format
) -> None:
    """Point the alias of a run's name to its model; `serve` deploys it first if it is not served."""
    run, job = record.run, record.trained
    if job is None:
        fail(f"{run.run_id} has trained no model, or it was deleted")
    now = here.aliases.in_production(run.name)
    _say_what_is_there(here, run.name, now)
    serving = [one for one in in_service(here.aws, here.stage) if one.status not in ("Creating", "Failed")]
    served_by = {one.model_arn: one.arn for one in serving}.get(job.model_arn)
    model = InProduction(name=run.name, run_id=run.run_id, model_arn=job.model_arn, model_id="", since="")
    notice = "" if served_by else f" It is not served now: {_notice(here, model, serve=serve)}"
    confirm(
        f"Put the model of {run.run_id} ({record.status}) into production for {run.name}?{notice}",
        yes=yes,
        otherwise="nothing was changed",
    )
    if serve and not served_by:
        served_by = _serve(here, model)
    settings = DeploymentSettings(stable_arn=stable_arn)
    try:
        promoted = _waited(here, lambda: _put(here, run, job.model_arn, served_by, settings, now))
    except (Moved, NameTaken) as error:
        fail(str(error))
    _tell(here, promoted, run.name, format_)


def _put(
    here: Deployed, run: Run, model_arn: str, served_by: str | None, settings: DeploymentSettings,
    seen: InProduction | None,
) -> Promotion:  # fmt: skip
    """Promote a run's model, unless another one than `seen` is in production by now."""
    production = Production(here.aws, here.stage)
    with production.aliases.alone(run.name, f"promotion {uuid.uuid4()}"):
        now = production.aliases.in_production(run.name)
        if now != seen and (now is None or now.model_arn != model_arn):
            raise Moved(run.name)
        return production.promote(run.name, run.run_id, model_arn, served_by, settings, by_hand=True)


def rollback(here: Deployed, name: str, *, serve: bool, yes: bool, format_: Format) -> None:
    """Point a name's alias back to its previous model."""
    production = Production(here.aws, here.stage)
    try:
        now, earlier = seen = production.earlier(name)
    except LookupError as error:
        fail(str(error.args[0]))
    _say_what_is_there(here, name, now)
    confirm(
        f"Return {name} to the model of {earlier.run_id}, in production from {when(earlier.since)}?",
        yes=yes,
        otherwise="nothing was changed",
    )
    try:
        try:
            _tell(here, _waited(here, lambda: production.rollback(name, seen)), name, format_)
        except NotServed as error:
            if not serve:
                fail(_how_to_serve(here, name, error))
            served_by = _serve(here, error.model)
            _tell(here, _waited(here, lambda: production.rollback(name, seen, served_by)), name, format_)
    except Moved as error:
        fail(str(error))


def _say_what_is_there(here: Deployed, name: str, now: InProduction | None) -> None:
    if now is None or not now.model_id:
        errors.print(f"nothing is in production for {name}")
        return
    what = f"the model of {now.run_id}, put there {when(now.since)}" if now.run_id else "what no run promoted"
    errors.print(f"IN PRODUCTION  {here.aliases.parameter(name)} points to {what}", style="bold")
    errors.print(f"               {now.model_id}", style="dim", soft_wrap=True)


def _tell(here: Deployed, promotion: Promotion, name: str, format_: Format) -> None:
    here.rewrite_index()
    if format_ is Format.json:
        return print_json(promotion)
    console.print(
        f"{promotion.alias} points to {promotion.model_id}, model {promotion.model_arn}", soft_wrap=True
    )
    if promotion.swapped:
        console.print("the ARN is unchanged: clients that pinned it now use this model")
    if promotion.note:
        console.print(promotion.note, style="yellow")
    if not serves(promotion.model_id):
        console.print(
            f"this model is not served now: deploy it before you call it, or return to the previous "
            f"one: {command('rollback', name)}",
            style="yellow",
        )
    return None


def _notice(here: Deployed, model: InProduction, *, serve: bool) -> str:
    """What promoting a model that nothing serves means."""
    if serve:
        return f"it is deployed first ({_cost_of_serving(here, model)})."
    return "applications cannot call it until it is. --serve deploys it first."


def _how_to_serve(here: Deployed, name: str, error: NotServed) -> str:
    """The message if the previous model is not served: the command that deploys it, and its cost."""
    rollback = command("rollback", name, options=f"--serve --stage {here.stage.name}")
    return f"{error}. Deploy it first ({_cost_of_serving(here, error.model)}):\n  {rollback}"


def _cost_of_serving(here: Deployed, model: InProduction) -> str:
    base_model = models.base_of(here.aws, here.stage, model.model_arn, model.run_id)
    settings = DeploymentSettings()
    kind = kinds.of(choose.way(base_model, settings)) if base_model is not None else None
    if base_model is None or kind is None:
        return "at an unknown price"
    if kind.is_free_while_idle:
        return kind.while_idle
    rate = kind.hourly_usd(base_model, settings.model_units, settings.commitment)
    dollars = "at an unknown price" if rate is None else f"at {rate:.2f} USD an hour"
    hours = here.stage.throughput_expiry_seconds / 3600
    return f"by {kind.title} throughput {dollars}, for {hours:.0f} hours unless you release it earlier"


def _serve(here: Deployed, model: InProduction) -> str:
    """Deploy a model; returns the ARN that serves it."""
    try:
        serving = _waited(here, lambda: revive.create(here.aws, here.stage, model))
        errors.print(f"deploying {model.model_arn} as {serving.arn}", style="dim")
        return _waited(here, lambda: revive.ready(here.aws.bedrock, serving))
    except (LookupError, ThroughputFailed) as error:
        fail(str(error.args[0]))


def _waited(here: Deployed, step: Callable[[], T]) -> T:
    """The result of a step, after waiting until AWS is ready for it."""
    sentence = "what Bedrock has started continues; repeat the command to resume"
    with if_interrupted(sentence, f"See it: tunedrop throughput --stage {here.name}"):
        return _patiently(step)


def _patiently(step: Callable[[], T]) -> T:
    deadline, pause, said = time.monotonic() + PATIENCE_SECONDS, 0.5, ""
    while True:
        try:
            return step()
        except TransientError as error:
            if time.monotonic() > deadline:
                fail(f"{error}; it is not finished yet, try again later")
            if str(error) != said:
                errors.print(f"waiting: {error}", style="dim")
                said = str(error)
            time.sleep(pause)
            pause = min(10.0, 1.5 * pause)

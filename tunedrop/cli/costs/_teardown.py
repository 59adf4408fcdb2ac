"""`teardown`: asks for confirmation, deletes resources, and lists what remains."""

from __future__ import annotations

from tunedrop.cli.confirming import confirm, if_interrupted
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO, YES
from tunedrop.cli.output import Format, console, errors, print_json
from tunedrop.formatting.commands import command
from tunedrop.formatting.counts import counted
from tunedrop.results.teardown import Plan, Teardown, TornDown
from tunedrop.serving import inventory, models


def teardown(
    here: Deployed, run_id: str | None, *, yes: bool, production: bool, format_: Format = Format.text
) -> int:
    """Delete the AWS resources of one run, or of all; 0 if none remain.

    Parameters
    ----------
    yes, production
        Whether the options already confirm deletion, and taking models out of production.
    """
    tell = _tell if format_ is Format.text else lambda _verb, _what: None
    work = Teardown(here.aws, here.stage, run_id, tell)
    plan = work.plan()
    _ask(here, plan, run_id, yes=yes, production=production)
    again = f"tunedrop teardown {run_id or '--all'} --stage {here.name}"
    with if_interrupted("resources that were not deleted yet are still billed", f"Go on: {again}"):
        done = work.run(plan)
    here.rewrite_index()
    if format_ is Format.json:
        print_json(done)
    else:
        _sum_up(here, run_id, done)
    return NO if done.remaining else YES


def _ask(here: Deployed, plan: Plan, run_id: str | None, *, yes: bool, production: bool) -> None:
    """Ask before anything is deleted, and again for each model in production."""
    whose = run_id or f"all runs of stage {here.name}"
    found = f"{counted(len(plan.resources), 'resource')} of {whose}"
    if plan.open_runs:
        found += f"; {counted(len(plan.open_runs), 'open run')} will be stopped"
    for alias, model in plan.production.items():
        errors.print(
            f"IN PRODUCTION  {alias} points to a model of {model.run_id or 'an unknown run'}",
            style="bold red",
        )
    confirm(f"Delete {found}?", yes=yes, otherwise="nothing was deleted")
    if plan.production:
        taken = counted(len(plan.production), "model")
        confirm(
            f"Take {taken} out of production? Applications that read the alias will fail.",
            yes=production,
            flag="--production",
            otherwise="nothing was deleted",
        )


def _tell(verb: str, what: str) -> None:
    console.print(f"{verb:<9} {what}", soft_wrap=True)


def _sum_up(here: Deployed, run_id: str | None, done: TornDown) -> None:
    for arn, why in done.remaining.items():
        console.print(f"REMAINS   {arn}: {why}", style="red", soft_wrap=True)
    for alias in done.dangling:
        console.print(
            f"{alias} points to a deleted model; {_hint(here, alias)}", style="yellow", soft_wrap=True
        )
    if done.remaining:
        console.print(f"{counted(len(done.remaining), 'resource')} remain; try again later")
    elif run_id is None:
        console.print(f"no billable resources of stage {here.name} remain")
    else:
        console.print(f"no billable resources of {run_id} remain{_of_others(here)}")


def _of_others(here: Deployed) -> str:
    others = len(list(inventory.resources(here.aws, here.stage)))
    return f"; other runs of the stage have {others}: tunedrop throughput" if others else ""


def _hint(here: Deployed, alias: str) -> str:
    """The command that repairs or deletes a dangling alias."""
    history, now = here.aliases.history_at(alias), here.aliases.intended_at(alias)
    deleted = now.model_arn if now is not None else ""
    earlier = dict.fromkeys(one.model_arn for one in history if one.model_arn != deleted)
    if any(models.status(here.aws, arn) for arn in earlier):
        rollback = command("rollback", history[0].name, options=f"--stage {here.name}")
        return f"return to an earlier version: {rollback}"
    return f"there is no other version: aws ssm delete-parameter --name {alias}"

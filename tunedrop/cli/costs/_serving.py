"""`throughput`: lists and releases the resources that serve models."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec
from rich.table import Table

from tunedrop import clock
from tunedrop.cli.confirming import confirm, if_interrupted
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.exits import NO
from tunedrop.cli.output import Format, answer, blocks, console, errors, fail, print_json, table, when
from tunedrop.cost.lines import HOURS_A_MONTH
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.formatting.amounts import duration
from tunedrop.serving import kinds
from tunedrop.serving.production import Production, serves
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.serving.sweep import InService, in_service


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What `throughput --format json` prints, in US dollars. Resources without a known price are not in the
    sums."""

    in_service: list[InService]
    hourly_usd: float
    monthly_usd: float


def show(here: Deployed, format_: Format) -> None:
    """Print the resources that serve models, with start, expiry and hourly rate."""
    found = list(in_service(here.aws, here.stage))
    hourly = sum(one.hourly_usd or 0.0 for one in found)
    if format_ is Format.json:
        return print_json(Bill(in_service=found, hourly_usd=hourly, monthly_usd=hourly * HOURS_A_MONTH))
    return _show(found, hourly)


def release(here: Deployed, arn: str, *, production: bool, yes: bool, format_: Format) -> None:
    """Release one resource, after showing what would no longer be served."""
    found = {one.arn: one for one in in_service(here.aws, here.stage)}
    name = here.registry.name_of(found[arn].run_id) if arn in found else ""
    alias = here.aliases.naming(arn, name)
    if arn not in found and not (alias and serves(arn)):
        fail(f"stage {here.name} serves no model under {arn}", NO, _hint(arn, found, here.name))
    if arn in found and found[arn].committed_until > clock.now():
        until = when(found[arn].committed_until)
        fail(f"{arn} was bought for a term, until {until}: Bedrock bills it and deletes it only then", NO)
    run_id = found[arn].run_id if arn in found else _promoted_by(here, alias)
    of = f"is a copy of {_whose(found[arn])}" if not run_id else f"serves the model of {run_id}"
    if alias and not production:
        hint = "To take it out of production anyway: --production"
        fail(f"{arn} is in production: {alias} names it", NO, hint)
    if alias:
        errors.print(f"IN PRODUCTION  {alias} names it; applications that read the alias will fail")
    confirm(f"Release {arn}, which {of}?", yes=yes, otherwise="nothing was released")
    see = f"Repeat the command, or see: tunedrop throughput --stage {here.name}"
    try:
        with if_interrupted(f"{arn} may still be billed", see):
            if production:
                Production(here.aws, here.stage).stand_down(arn, name)
            Removal(here.aws, here.stage).remove(arn, run_id)
    except NamedInProduction as error:
        fail(str(error), NO, "To take it out of production anyway: --production")
    except (ThroughputFailed, TransientError) as error:
        fail(str(error))
    if production:
        here.rewrite_index()
    answer({"arn": arn, "released": True}, f"released {arn}", format_)


def _promoted_by(here: Deployed, alias: str) -> str:
    model = here.aliases.intended_at(alias)
    return (model.run_id if model is not None else "") or "an unknown run"


def _show(found: list[InService], hourly: float) -> None:
    found = sorted(found, key=lambda one: -(one.hourly_usd or 0.0))
    if console.is_terminal:
        blocks((one.arn, _facts(one)) for one in found)
    elif found:
        console.print(_listed(found))
    unpriced = sum(one.hourly_usd is None for one in found)
    at_least = "at least " if unpriced else ""
    console.print(
        f"{at_least}{hourly:.2f} USD an hour now; forecast: {at_least}{hourly * HOURS_A_MONTH:,.0f} USD in a "
        "month if nothing is released"
        if hourly or unpriced
        else "nothing is billed by the hour"
    )


def _listed(found: list[InService]) -> Table:
    listing = table("run", "served", "status", "since", "until", "USD an hour", "ARN")
    for one in found:
        since, until = when(one.created_at), _until(one)
        listing.add_row(_whose(one), _served(one), one.status, since, until, _rate(one), one.arn)
    return listing


def _facts(one: InService) -> dict[str, str]:
    return {
        "run": _whose(one),
        "serves": f"{_served(one)}, {one.status}, since {when(one.created_at)}",
        "bills": f"{_rate(one)} USD an hour; {_until(one)}",
    }


def _whose(one: InService) -> str:
    return f"base model {one.base_model}" if one.base_model else one.run_id


def _served(one: InService) -> str:
    if one.model_units:
        return f"{one.model_units} model units"
    return kinds.of(one.way).title


def _rate(one: InService) -> str:
    return "unknown" if one.hourly_usd is None else f"{one.hourly_usd:.2f}"


def _until(one: InService) -> str:
    if (kind := kinds.of(one.way)).is_free_while_idle:
        return kind.while_idle
    if not console.is_terminal or not one.ends_at:
        return one.ends_at or "nobody ends it"
    left = clock.seconds_between(clock.now(), one.ends_at)
    return f"in {duration(left)}" if left > 0 else "the next sweep releases it"


def _hint(arn: str, found: Iterable[str], stage: str) -> str:
    """A similar ARN. The ARNs of an account differ only in the id at the end."""
    ids = {one.rpartition("/")[2]: one for one in found}
    near = difflib.get_close_matches(arn.rpartition("/")[2], ids, n=1, cutoff=0.8)
    return f"Did you mean {ids[near[0]]}?" if near else f"See them: tunedrop throughput --stage {stage}"

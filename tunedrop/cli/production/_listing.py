"""`models`: lists the models in production, and all versions of a name."""

from __future__ import annotations

import sys

from botocore.exceptions import ClientError
from rich.table import Table

from tunedrop import escaping, naming
from tunedrop.cli.deployed import NEAR_AMONG, Deployed
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, blocks, console, errors, fail, print_json, table, when
from tunedrop.cli.suggestions import hint
from tunedrop.registry.versions import Version, versions
from tunedrop.reporting.verdict import number
from tunedrop.results.artifacts import read_text
from tunedrop.serving import throughput
from tunedrop.serving.production import serves


def show(here: Deployed, format_: Format) -> None:
    """Print the aliases of the stage, and the run behind each."""
    aliases = here.aliases.all()
    if format_ is Format.json:
        return print_json(aliases)
    rows, of_runs = [], here.aliases.of_runs()
    for alias, model_id in aliases.items():
        model = of_runs.get(alias)
        run_id, since = (model.run_id, when(model.since)) if model is not None else ("", "")
        served = _served(here, model_id)
        rows.append((alias, {"modelId": model_id, "run": run_id, "since": since, "served": served}))
    here.say_unreadable()
    if not rows:
        return errors.print("no model is in production yet")
    return blocks(rows) if console.is_terminal else console.print(_listed(rows))


def _served(here: Deployed, model_id: str) -> str:
    """Whether the model behind an alias is served; it may have been deleted outside Tunedrop."""
    if not serves(model_id):
        return "no: it is not served"
    try:
        return "yes" if throughput.exists(here.aws.bedrock, model_id) else "GONE: it was deleted"
    except ClientError:
        return "unknown"


def show_versions(here: Deployed, name: str, format_: Format) -> None:
    """Print all versions that were trained for a name."""
    found = versions(here.registry, here.aliases, name)
    if not found:
        known = [record.run.name for record in here.registry.recent(NEAR_AMONG)]
        see = f"names in production: tunedrop models --stage {here.stage.name}"
        fail(f"no model was trained for {name}", NO, hint(name, known, see))
    if format_ is Format.json:
        return print_json(found)
    return console.print(_table(found))


def print_card(here: Deployed, name: str | None) -> None:
    """Print the model card of the version in production."""
    if name is None:
        fail("give a name: tunedrop models NAME --card", USAGE)
    model = here.aliases.in_production(here.name_with_a_model(name))
    if model is None or not model.run_id:
        fail(f"what {name} has in production was put there by hand, and has no model card")
    card = read_text(here.aws.s3, here.stage, naming.model_card_key(model.run_id))
    if not card:
        fail(f"{model.run_id} has no model card: it was promoted manually, or before model cards existed")
    sys.stdout.write(escaping.lines(card))


def _listed(rows: list[tuple[str, dict[str, str]]]) -> Table:
    listing = table("alias", "modelId", "run", "since", "served")
    for alias, facts in rows:
        listing.add_row(alias, *facts.values())
    return listing


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

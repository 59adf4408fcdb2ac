"""Shell completion. It never raises; on any error there are no completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import typer

NEWEST = 50

STATUSES = ("running", "promoted", "rejected", "inconclusive", "failed", "stopped", "refused")
ORDERS = ("started", "name", "status", "score", "improvement", "cost")
"""The values of `tunedrop.registry.summaries.Order`, whose import takes the AWS SDK."""

STARTERS = (
    "instruction",
    "single-turn",
    "multi-turn",
    "preference",
    "continued-pretraining",
    "distillation",
    "reinforcement",
)
"""The values of `tunedrop.cli.plan._sample_records.METHODS`. These lists are copies so that `--help` imports
only the argument parser; a test compares them with the originals."""

RESUME_POINTS = ("validate_data", "preflight", "estimate_cost")
"""The values of `tunedrop.contracts.ResumePoint`."""

SCHEMAS = ("manifest", "event", "check", "evaluation")
"""The keys of `tunedrop.schemas.SCHEMAS`."""


def statuses(incomplete: str) -> list[str]:
    """The statuses of runs."""
    return [one for one in STATUSES if one.startswith(incomplete)]


def orders(incomplete: str) -> list[str]:
    """The keys that runs can be sorted by."""
    return [one for one in ORDERS if one.startswith(incomplete)]


def starters(incomplete: str) -> list[str]:
    """The methods that `init` has sample data for."""
    return [one for one in STARTERS if one.startswith(incomplete)]


def base_models(incomplete: str) -> Iterator[tuple[str, str]]:
    """The ids of the base models that can be tuned today, with their names and Regions."""
    from tunedrop import catalog

    for model in catalog.tunable():
        if model.id.startswith(incomplete):
            yield model.id, f"{model.name}, in {' and '.join(model.regions)}"


def methods(incomplete: str) -> list[str]:
    from tunedrop.contracts import Method

    return [method for method in get_args(Method) if method.startswith(incomplete)]


def methods_or_auto(incomplete: str) -> list[str]:
    return [*methods(incomplete), *(["auto"] if "auto".startswith(incomplete) else [])]


def run_ids(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The latest runs of the stage that the partial command line names."""
    from botocore.config import Config

    from tunedrop.cli.deployed import Deployed

    asked = context.params
    try:
        here = Deployed(asked.get("stage"), asked.get("profile"), asked.get("region"))
        here.aws.session._session.set_default_client_config(
            Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
        )
        records = here.registry.recent(NEWEST)
    except BaseException:  # any message would garble the prompt
        return []
    return [
        (record.run.run_id, record.status) for record in records if record.run.run_id.startswith(incomplete)
    ]


def names_in_production(context: typer.Context, incomplete: str) -> list[str]:
    """The names that have a model in production."""
    from tunedrop.cli.deployed import Deployed

    asked = context.params
    try:
        here = Deployed(asked.get("stage"), asked.get("profile"), asked.get("region"))
        names = [here.aliases.name_at(alias) for alias in here.aliases.all()]
    except BaseException:  # as above
        return []
    return [name for name in names if name.startswith(incomplete)]


def rule_codes(incomplete: str) -> list[tuple[str, str]]:
    """The codes of rules, with their titles."""
    from tunedrop.dataset.rules.codes import CODES

    return [(code, rule) for code, rule in CODES.items() if code.startswith(incomplete.upper())]


def schemas(incomplete: str) -> list[str]:
    """The names of the JSON Schemas."""
    return [name for name in SCHEMAS if name.startswith(incomplete)]

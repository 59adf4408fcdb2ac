"""The settings of a stage, from the struct that reads them."""

from __future__ import annotations

from docs.reference.tables import fields, page, shape
from infra.settings import Endpoints, Mlflow, Network, Slack, StageSettings, Teams
from tunedrop.contracts import RuleSettings

_HEAD = """A stage is an entry of `context.stages` in `cdk.json`, and `-c stage=dev` chooses one. The same
settings, but for `account` and `region`, are the properties of the [construct](../how-to/embed.md). Money
is in US dollars. A wrong setting is refused at synth, with its key and the nearest known one."""


def markdown() -> str:
    """All settings in one table, and those that have parts."""
    settings = fields(StageSettings, skip=("name",))
    return page(
        "# Settings of a stage",
        _HEAD,
        settings,
        shape(RuleSettings),
        shape(Network),
        shape(Endpoints),
        shape(Mlflow),
        shape(Slack),
        shape(Teams),
    )

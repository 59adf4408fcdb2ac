"""The pages about several runs, of a stage that has had every kind of end."""

from __future__ import annotations

import msgspec

from local import samples
from tunedrop.contracts import Ending
from tunedrop.registry import Record
from tunedrop.registry.summaries import summary
from tunedrop.reporting.outcome import outcome_of
from tunedrop.reporting.pages import index_page
from tunedrop.reporting.pages.index_page import Index, InProduction, Spend

_NOT_KEPT = ("run", "failure")


def record(ending: Ending) -> Record:
    """A run as the registry has it once it has ended."""
    documents = {
        name: msgspec.json.encode(value).decode()
        for name in Ending.__struct_fields__
        if name not in _NOT_KEPT and (value := getattr(ending, name)) is not None
    }
    return Record(
        run=ending.run,
        status=outcome_of(ending),
        failure=ending.failure,
        estimated_usd=ending.estimate.likely if ending.estimate is not None else None,
        actual_usd=ending.cost.likely if ending.cost is not None else None,
        documents=documents,
    )


def index() -> str:
    """The index page of that stage."""
    materials = list(samples.all_of_them().values())
    runs = tuple(summary(record(one.ending)) for one in materials)
    live = next(one for one in runs if one.status == "promoted")
    production = InProduction(
        name=live.name, alias=live.alias, model_id=live.model_arn, run_id=live.run_id, since=live.created_at
    )
    runs = tuple(msgspec.structs.replace(one, in_production=one is live) for one in runs)
    spend = Spend(month=live.created_at[:7], spent=131.2, committed=25.95, requested=12.4, budget=500.0)
    found = Index(at=live.created_at, runs=runs, spend=spend, production=(production,))
    return index_page.render(materials[0].stage, found)

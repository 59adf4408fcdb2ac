"""The index page of a stage: all runs with status, score and cost, the month's spend, production models."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from markupsafe import Markup

from tunedrop import catalog, naming
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.registry.summaries import Summary
from tunedrop.reporting import _document, links, verdict
from tunedrop.reporting.pages import STYLES
from tunedrop.reporting.report.svg import el, percent
from tunedrop.stage import Stage


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """A month in US dollars: spent by runs that have ended, committed to open runs and the storage of models,
    requested by runs that wait for approval, and the budget."""

    month: str
    spent: float
    committed: float
    requested: float
    budget: float

    @property
    def share(self) -> float:
        return (self.spent + self.committed) / self.budget if self.budget else 0.0


class InProduction(msgspec.Struct, frozen=True, kw_only=True):
    """One model in production."""

    name: str
    alias: str
    model_id: str
    run_id: str
    since: str


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the page; `left_out` is the number of older runs that are not on it."""

    at: str
    runs: tuple[Summary, ...]
    spend: Spend
    production: tuple[InProduction, ...] = ()
    left_out: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run on the page. `sorted_by` is its name in characters that are safe in an attribute."""

    run: Summary
    sorted_by: str
    base_model: str
    status: str
    metric: str
    obstacle: str
    report: str
    findings: str
    card: str
    console: str


def render(stage: Stage, index: Index) -> str:
    """The page, as one HTML document with links to files in the same bucket or to the console."""
    return _document.render(
        "index.html",
        styles=STYLES,
        scripts=("pages/index.js",),
        stage=stage,
        index=index,
        rows=[_row(stage, one) for one in index.runs],
        statuses=sorted({one.status for one in index.runs}),
        console=links.console(stage, naming.INDEX_KEY),
        meter=_meter(index.spend),
    )


def _row(stage: Stage, one: Summary) -> Row:
    ended = one.status != "running"
    return Row(
        run=one,
        sorted_by=naming.slug(one.name),
        base_model=_name(one.base_model),
        status=one.step.replace("_", " ") or one.status,
        metric=TITLES.get(one.metric, one.metric),
        obstacle=verdict.obstacle(one.earlier_outcome or one.status, one.rejected_for),
        report=_beside(naming.report_key(one.run_id)) if ended else "",
        findings=_beside(naming.findings_key(one.run_id)) if ended and one.dataset_hash else "",
        card=_beside(naming.model_card_key(one.run_id)) if one.status == "promoted" else "",
        console=links.console(stage, naming.report_key(one.run_id)) if ended else "",
    )


def _beside(key: str) -> str:
    return quote(key)


def _name(base_model: str) -> str:
    try:
        return catalog.find(base_model).name
    except LookupError:
        return base_model


def _meter(spend: Spend) -> Markup:
    """The share of the month's budget that is spent, and committed."""
    whole = max(spend.budget, spend.spent + spend.committed, 0.01)
    spent, committed = spend.spent / whole, spend.committed / whole
    over = " over" if spend.share > 1 else ""
    bars = [
        el("rect", class_=f"spent{over}", x=0, y=0, width=percent(spent), height=8),
        el("rect", class_="committed", x=percent(spent), y=0, width=percent(committed), height=8),
    ]
    return Markup('<svg width="100%" height="8" role="img" aria-label="{} of the budget">{}</svg>').format(
        f"{spend.share:.0%}", Markup("").join(bars)
    )

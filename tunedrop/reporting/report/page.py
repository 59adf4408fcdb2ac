"""The page: its templates, and what keeps data from ever being more than text in it.

Three walls, each enough by itself: every value is escaped where it is written, because the templates escape
by default; the page's own policy forbids everything but the one style and the one script that it carries, by
their hashes; and characters that draw nothing or turn text around are shown by their names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup

from tunedrop import clock
from tunedrop.contracts import Ending, Evaluation, EvaluationSettings, Run, S3Object
from tunedrop.dataset.check.check import Report
from tunedrop.evaluation.evaluate import Prediction
from tunedrop.registry import StepRecord
from tunedrop.reporting import advice, usage, verdict
from tunedrop.reporting.outcome import outcome_of
from tunedrop.reporting.report import (
    answers,
    comparison,
    confusion,
    facts,
    findings,
    forest,
    losses,
    spreads,
    timeline,
)
from tunedrop.shown import UNSEEN
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves

_PACKAGE = "tunedrop.reporting.report"

_NEGATIVE = re.compile(r"(?<![\w.-])-(?=[\d.])")
"""The sign of a number, and no hyphen of a name or a date."""


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report is made of. `findings` is validation.json, None before there is one; `probes`
    are the answers to general-ability prompts, `predictions` those to all others."""

    ending: Ending
    stage: Stage
    findings: Report | None = None
    predictions: Sequence[Prediction] = ()
    probes: Sequence[Prediction] = ()
    curves: Curves = Curves()
    timeline: Sequence[StepRecord] = ()


def render(material: Material) -> str:
    """The report as one HTML document, which opens offline."""
    ending, predictions = material.ending, material.predictions
    evaluation = ending.evaluation
    scores = evaluation.scores if evaluation is not None else ()
    general = (evaluation.general,) if evaluation is not None and evaluation.general is not None else ()
    deciding = verdict.deciding(ending)
    decisive = evaluation.metric if evaluation is not None else ""
    style, script = _source("report.css"), _script()
    return _template("page.html").render(
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        ending=ending,
        stage=material.stage,
        outcome=outcome_of(ending),
        headline=verdict.headline(ending),
        sentence=_with_minus(verdict.sentence(ending)),
        deciding=deciding,
        deciding_title=verdict.title_of(deciding) if deciding is not None else "",
        deciding_kind=forest.kind(deciding) if deciding is not None else "",
        champion=evaluation.champion if evaluation is not None else None,
        facts=[*facts.at_a_glance(ending), *facts.accepted(material.curves)],
        advice=advice.next_steps(material.stage, ending),
        score_rows=forest.rows(scores, decisive, ending.run.evaluation.min_improvement),
        score_axis=forest.axis(scores),
        general_rows=forest.rows(general),
        labels=confusion.of(ending, predictions),
        lengths=spreads.rows(_lengths(predictions)),
        length_axis=spreads.axis(_lengths(predictions)),
        groups=answers.groups(ending, predictions),
        comparison=comparison.of(evaluation, predictions),
        lost=comparison.lost(material.probes),
        losses=evaluation.losses if evaluation is not None else None,
        loss_plot=losses.plot(material.curves),
        findings=findings.by_rule(material.findings),
        files=findings.files(material.findings),
        bill=facts.bill(ending),
        steps=timeline.rows(material.timeline),
        snippets=usage.snippets(material.stage, ending),
        lineage=facts.lineage(material.stage, ending),
    )


def render_answers(
    name: str, settings: EvaluationSettings, evaluation: Evaluation, predictions: Sequence[Prediction]
) -> str:
    """The report of answers that no run asked for, as one HTML document, which opens offline."""
    nowhere = S3Object(bucket="", key="")
    run = Run(run_id=name, name=name, source=nowhere, train=nowhere, evaluation=settings)
    untimed = msgspec.structs.replace(evaluation, base_speed=None, tuned_speed=None)
    ending = Ending(run=run, evaluation=untimed)
    style, script = _source("report.css"), _script()
    deciding, reason = verdict.deciding(ending), evaluation.reason
    return _template(
        "answers_page.html"
    ).render(
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        ending=ending,
        outcome=outcome_of(ending),
        sentence=_with_minus(f"{reason[:1].upper()}{reason[1:]}."),
        deciding=deciding,
        deciding_title=verdict.title_of(deciding) if deciding is not None else "",
        deciding_kind=forest.kind(deciding) if deciding is not None else "",
        champion=evaluation.champion,
        score_rows=forest.rows(evaluation.scores, evaluation.metric, settings.min_improvement),
        score_axis=forest.axis(evaluation.scores),
        general_rows=[],
        labels=confusion.of(ending, predictions),
        groups=answers.groups(ending, predictions),
        comparison=comparison.of(evaluation, predictions),
        lost=(),
    )


def policy(style: str, script: str) -> str:
    """A content security policy under which this style and this script work, and nothing else does."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def visible(value: Any) -> Any:
    """A value as it may be written: what cannot be seen in a text is named, such as U+202E."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if not UNSEEN.search(value):
        return value
    pieces, end = [], 0
    for match in UNSEEN.finditer(value):
        name = Markup('<span class="unseen">U+{:04X}</span>').format(ord(match[0]))
        pieces += [Markup("{}").format(value[end : match.start()]), name]
        end = match.end()
    return Markup("").join([*pieces, value[end:]])


def _lengths(predictions: Sequence[Prediction]) -> Mapping[str, Sequence[int]]:
    """Words in each answer, and in what was wanted."""
    answered = [one for one in predictions if not one.failed]
    return {
        "Reference": [len(one.reference.split()) for one in answered],
        "Base": [len(one.base.text.split()) for one in answered],
        "Tuned": [len(one.tuned.text.split()) for one in answered],
    }


def _score(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"


def _signed(value: float, digits: int = 3) -> str:
    """With its sign."""
    return _with_minus(f"{value:+.{digits}f}")


def _with_minus(text: str) -> str:
    """Numbers with a minus as wide as a plus, where plain text has a hyphen."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


def _count(value: int) -> str:
    return f"{value:,}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _script() -> str:
    return f"{_source('copy.js')}\n{_source('filter.js')}"


@cache
def _source(name: str) -> str:
    return (resources.files(_PACKAGE) / name).read_text("utf-8").strip()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        finalize=visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": clock.for_people, "score": _score, "signed": _signed, "count": _count}
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)

"""The HTML report of a run, or of a file of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tunedrop.contracts import Ending, Evaluation, EvaluationSettings, Run, S3Object
from tunedrop.dataset.check.check import Report
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.registry import StepRecord
from tunedrop.reporting import _document, advice, usage, verdict
from tunedrop.reporting.outcome import outcome_of
from tunedrop.reporting.report import (
    _answers,
    _comparison,
    _confusion,
    _facts,
    _forest,
    _losses,
    _spreads,
    _timeline,
    findings,
)
from tunedrop.stage import Stage
from tunedrop.training.curves import Curves


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a report. `findings` is validation.json, None before validation; `probes` are the
    answers to general-ability prompts, `predictions` those to all others."""

    ending: Ending
    stage: Stage
    findings: Report | None = None
    predictions: Sequence[Prediction] = ()
    probes: Sequence[Prediction] = ()
    curves: Curves = Curves()
    timeline: Sequence[StepRecord] = ()


def render(material: Material) -> str:
    """The report as one HTML document, with the scores of an earlier attempt if this one has none."""
    ending, predictions, standing = material.ending, material.predictions, verdict.standing(material.ending)
    if ending.standing is not None:
        ending = msgspec.structs.replace(ending, evaluation=ending.standing.evaluation)
    evaluation = ending.evaluation
    general = (evaluation.general,) if evaluation is not None and evaluation.general is not None else ()
    return _document.render(
        "page.html",
        **_scored(ending, predictions),
        stage=material.stage,
        headline=verdict.headline(ending),
        sentence=_document.with_minus(verdict.sentence(ending)),
        standing=_document.with_minus(standing),
        facts=[*_facts.at_a_glance(ending), *_facts.accepted(material.curves)],
        advice=advice.next_steps(material.stage, ending),
        general_rows=_forest.rows(general),
        lengths=_spreads.rows(_lengths(predictions)),
        length_axis=_spreads.axis(_lengths(predictions)),
        lost=_comparison.lost(material.probes),
        losses=evaluation.losses if evaluation is not None else None,
        loss_plot=_losses.plot(material.curves),
        reward_plot=_losses.rewards(material.curves),
        findings=findings.by_rule(material.findings),
        files=findings.files(material.findings),
        changed_rules=material.findings.changed_rules if material.findings is not None else "",
        bill=_facts.bill(ending),
        steps=_timeline.rows(material.timeline),
        snippets=usage.snippets(material.stage, ending),
        lineage=_facts.lineage(material.stage, ending),
    )


def render_answers(
    name: str, settings: EvaluationSettings, evaluation: Evaluation, predictions: Sequence[Prediction]
) -> str:
    """The report of a file of answers, as one HTML document."""
    nowhere = S3Object(bucket="", key="")
    run = Run(run_id=name, name=name, source=nowhere, train=nowhere, evaluation=settings)
    untimed = msgspec.structs.replace(evaluation, base_speed=None, tuned_speed=None)
    ending, reason = Ending(run=run, evaluation=untimed), evaluation.reason
    return _document.render(
        "answers_page.html",
        **_scored(ending, predictions),
        sentence=_document.with_minus(f"{reason[:1].upper()}{reason[1:]}."),
        general_rows=[],
        lost=(),
    )


def _scored(ending: Ending, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """What every report says about scores and answers."""
    evaluation, deciding = ending.evaluation, verdict.deciding(ending)
    scores = evaluation.scores if evaluation is not None else ()
    decisive = evaluation.metric if evaluation is not None else ""
    return {
        "styles": ("report/report.css",),
        "scripts": ("report/copy.js", "report/filter.js"),
        "ending": ending,
        "outcome": outcome_of(ending),
        "deciding": deciding,
        "deciding_title": verdict.title_of(deciding) if deciding is not None else "",
        "deciding_kind": _forest.kind(deciding) if deciding is not None else "",
        "champion": evaluation.champion if evaluation is not None else None,
        "titles": TITLES,
        "score_rows": _forest.rows(scores, decisive, ending.run.evaluation.min_improvement),
        "score_axis": _forest.axis(scores),
        "labels": _confusion.of(ending, predictions),
        "groups": _answers.groups(ending, predictions),
        "comparison": _comparison.of(evaluation, predictions),
    }


def _lengths(predictions: Sequence[Prediction]) -> Mapping[str, Sequence[int]]:
    """The number of words in each answer and reference."""
    answered = [one for one in predictions if not one.failed]
    return {
        "Reference": [len(one.reference.split()) for one in answered],
        "Base": [len(one.base.text.split()) for one in answered],
        "Tuned": [len(one.tuned.text.split()) for one in answered],
    }

"""The notification at the end of a run: an email for people, filterable and parseable by programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import msgspec

from tunedrop import clock, escaping, naming
from tunedrop.aws import subjects
from tunedrop.contracts import Ending, Evaluation, RunEnded
from tunedrop.formatting.costs import forecast_in_words, in_words
from tunedrop.formatting.counts import counted
from tunedrop.reporting import advice, console, links, verdict
from tunedrop.reporting.outcome import outcome_of
from tunedrop.reporting.outcome_event import MAX_CAUSE
from tunedrop.stage import Stage


def subject(ending: Ending) -> str:
    """The subject of the email: outcome, name, and the deciding score or the cause."""
    about = verdict.at_a_glance(ending)
    if ending.failure is not None:
        about = ending.failure.cause.partition("\n")[0]
    return subjects.subject(
        f"Tunedrop: {ending.run.run_id} {outcome_of(ending)}" + (f", {about}" if about else "")
    )


def text(stage: Stage, ending: Ending, report_link: str = "") -> str:
    """The email: outcome, reason, cost, next steps, links.

    Parameters
    ----------
    report_link
        The link that opens the report; default: the console.
    """
    parts = [
        f"{ending.run.run_id} {verdict.headline(ending)}.",
        f"Report: {report_link or links.lasting(stage, naming.report_key(ending.run.run_id))}",
        "\n".join(_why(ending)),
        "\n".join(_facts(stage, ending)),
        "\n".join(_to_do(stage, ending)),
        "\n".join(_links(stage, ending)),
    ]
    return escaping.lines("\n\n".join(part for part in parts if part) + "\n")


def attributes(ended: RunEnded) -> dict[str, str]:
    """Message attributes for subscription filters, and all values as JSON in `detail`.

    With raw delivery, SQS accepts at most ten (SNS developer guide, message attributes, read 2026-11-25).
    """
    found = {
        "event": "run-ended",
        "stage": ended.stage,
        "run_id": ended.run_id,
        "name": ended.name or "none",
        "attempt": str(ended.attempt),
        "outcome": ended.outcome,
        "base_model": ended.base_model or "none",
        "detail": msgspec.json.encode(ended).decode(),
    }
    return found | ({"method": ended.method} if ended.method else {})


def _why(ending: Ending) -> Iterator[str]:
    """The cause of a failure, or the verdict and the scores."""
    if ending.failure is not None:
        # Indented, so that a line break in it makes no line that looks like one of ours.
        yield textwrap.indent(ending.failure.cause[:MAX_CAUSE], "    ")
        if ending.failure.step:
            yield f"\nIt failed in the step {ending.failure.step}."
        if standing := verdict.standing(ending):
            yield f"\n{standing}"
        return
    found = ending.evaluation
    if found is None:
        return
    yield verdict.sentence(ending)
    yield from _table(found)
    if (champion := found.champion) is not None and found.rejected_for != "model in production":
        yield (
            f"\nProduction scores {champion.base:.3f}; this model differs from it by "
            f"{champion.difference:+.3f} ({champion.low:+.3f} to {champion.high:+.3f})."
        )


def _table(found: Evaluation) -> Iterator[str]:
    """All scores, general ability last; the deciding one is marked."""
    scores = [*found.scores, *([found.general] if found.general is not None else [])]
    if not scores:
        return
    width = max(len(verdict.title_of(one)) for one in scores)
    yield f"\n  {'':<{width}}    base   tuned   difference"
    for one in scores:
        decides = "  decides" if one.metric == found.metric else ""
        yield (
            f"  {verdict.title_of(one):<{width}}  {one.base:6.3f}  {one.tuned:6.3f}   "
            f"{one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f}){decides}"
        )


def _facts(stage: Stage, ending: Ending) -> Iterator[str]:
    run, dataset = ending.run, ending.dataset
    yield f"Stage:        {stage.name}, {stage.region}"
    yield f"Base model:   {run.base_model or 'not resolved'}"
    if dataset is not None:
        held_out = dataset.test.records if dataset.test is not None else 0
        yield f"Dataset:      {run.train.uri}"
        yield (
            f"              {dataset.method}; {dataset.train.records:,} training records, "
            f"{held_out:,} held out, {counted(dataset.warning_count, 'warning')}"
        )
    if run.is_reevaluated and ending.job is not None:
        yield f"Model:        {ending.job.model_arn}"
        yield f"              of run {run.run_id}, re-evaluated in attempt {run.attempt}, without training"
    if run.uploaded_by:
        yield f"Uploaded:     by {run.uploaded_by}, {clock.for_people(run.created_at)} UTC"
    if ending.fit is not None and ending.fit.verdict != "unknown":
        yield f"Training:     {ending.fit.sentence}"
    if losses := verdict.losses(ending):
        yield f"Losses:       {losses}"
    if ending.cost is not None and ending.cost.lines:
        yield f"Cost:         {in_words(ending.cost)}"
    if ending.cost is not None and (forecast := forecast_in_words(ending.cost)):
        yield f"Forecast:     {forecast}"
    if ending.estimate is not None:
        before = f", beside {run.spent_before_usd:.2f} USD before the retry" if run.spent_before_usd else ""
        yield f"Estimated:    {in_words(ending.estimate)}{before}, budget {run.budget_usd:.2f} USD"
    if ending.promotion is not None and ending.promotion.note:
        yield f"Production:   {ending.promotion.note}"
    for arn in ending.released.kept if ending.released is not None else ():
        yield f"In service:   {arn}"


def _to_do(stage: Stage, ending: Ending) -> Iterator[str]:
    yield "What to do next"
    for one in advice.next_steps(stage, ending):
        yield f"- {one.text}"
        if one.command:
            yield f"    {one.command}"


def _links(stage: Stage, ending: Ending) -> Iterator[str]:
    run = ending.run
    yield f"Report:     tunedrop report {run.run_id} --stage {stage.name}"
    yield f"            s3://{stage.artifacts_bucket}/{naming.report_key(run.run_id)}"
    yield f"All runs:   {links.lasting(stage, naming.INDEX_KEY)}"
    yield f"Execution:  {console.execution(stage, run.execution_arn)}"

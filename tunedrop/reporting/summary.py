"""A short Markdown summary of a run: `summary.md` among its files."""

from __future__ import annotations

from tunedrop import escaping
from tunedrop.contracts import Ending
from tunedrop.formatting import markdown as md
from tunedrop.formatting.costs import forecast_in_words, in_words
from tunedrop.reporting import advice, verdict
from tunedrop.stage import Stage


def markdown(stage: Stage, ending: Ending) -> str:
    """Outcome, scores or cause, cost and next steps, as Markdown."""
    lines = [f"# {ending.run.run_id} {verdict.headline(ending)}", ""]
    if ending.failure is not None:
        lines += ["```", ending.failure.cause.replace("```", "'''"), "```", ""]
        if standing := verdict.standing(ending):
            lines += [md.sentence(standing), ""]
    elif ending.evaluation is not None:
        lines += [md.sentence(verdict.sentence(ending)), ""]
        lines += ["| metric | base | tuned | difference |", "| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {verdict.title_of(one)} | {one.base:.3f} | {one.tuned:.3f} "
            f"| {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f}) |"
            for one in ending.evaluation.scores
        ]
        lines.append("")
    if ending.fit is not None:
        lines += [ending.fit.sentence, ""]
    if losses := verdict.losses(ending):
        lines += [f"At the end: {losses}.", ""]
    if ending.estimate is not None:
        lines.append(f"Estimated cost: {in_words(ending.estimate)}.")
    if ending.cost is not None and ending.cost.lines:
        lines.append(f"Cost: {in_words(ending.cost)}.")
    if ending.cost is not None and (forecast := forecast_in_words(ending.cost)):
        lines.append(f"Forecast: {forecast}.")
    lines += ["", "## What to do next", ""]
    for one in advice.next_steps(stage, ending):
        lines.append(f"- {md.sentence(one.text)}" + (f" {md.code(one.command)}" if one.command else ""))
    return escaping.lines("\n".join(lines) + "\n")

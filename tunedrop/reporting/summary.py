"""A short Markdown summary of a run."""

from __future__ import annotations

from tunedrop.contracts import Ending
from tunedrop.cost.words import in_words
from tunedrop.evaluation.metrics import TITLES
from tunedrop.reporting.notification import headline


def markdown(ending: Ending) -> str:
    """The outcome, the scores and the cause, as Markdown."""
    lines = [f"# {ending.run.run_id} {headline(ending)}", ""]
    if ending.failure is not None:
        lines += ["```", ending.failure.cause.replace("```", "'''"), "```", ""]
    if ending.evaluation is not None:
        lines += [
            ending.evaluation.reason,
            "",
            "| metric | base | tuned | difference |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {TITLES.get(one.metric, one.metric)} | {one.base:.3f} | {one.tuned:.3f} "
            f"| {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f}) |"
            for one in ending.evaluation.scores
        ]
        lines.append("")
    if ending.estimate is not None:
        lines.append(f"Estimated cost: {in_words(ending.estimate)}.")
    if ending.cost is not None and ending.cost.lines:
        lines.append(f"Cost: {in_words(ending.cost)}.")
    return "\n".join(lines) + "\n"

"""The result of a run as a chat notification."""

from __future__ import annotations

from typing import Any

from tunedrop import naming
from tunedrop.contracts import Ending
from tunedrop.reporting import advice, chat_channel, links, notification, verdict
from tunedrop.reporting.chat_channel import About
from tunedrop.reporting.outcome import outcome_of
from tunedrop.stage import Stage

_MARKS = {
    "promoted": ":white_check_mark:",
    "rejected": ":no_entry_sign:",
    "inconclusive": ":grey_question:",
    "failed": ":x:",
    "stopped": ":octagonal_sign:",
    "refused": ":no_entry:",
}


def message(stage: Stage, ending: Ending, report_link: str = "") -> dict[str, Any]:
    """The outcome, the reason, the link to the report, and next steps."""
    run, outcome = ending.run, outcome_of(ending)
    model = (ending.job.model_arn,) if ending.job is not None else ()
    return chat_channel.message(
        stage,
        run,
        About(event="run-ended", word=outcome, resources=model),
        title=f"{_MARKS[outcome]} {run.run_id} {verdict.headline(ending)}",
        description=_description(ending),
        summary=notification.subject(ending),
        link=report_link or links.lasting(stage, naming.report_key(run.run_id)),
        steps=[f"{one.text} {one.command}".strip() for one in advice.next_steps(stage, ending)],
    )


def _description(ending: Ending) -> str:
    """The cause of a failure, or the verdict and each score on a line. Chat fonts are proportional, so there
    are no columns."""
    if ending.failure is not None:
        return "\n".join(filter(None, (ending.failure.cause, verdict.standing(ending))))
    found = ending.evaluation
    if found is None:
        return ""
    scores = [*found.scores, *([found.general] if found.general is not None else [])]
    return "\n".join([verdict.sentence(ending), *(f"- {verdict.number(one)}" for one in scores)])

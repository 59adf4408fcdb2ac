"""The end of a run as a chat notification, in AWS's schema for custom notifications.

Amazon Q Developer in chat applications (administrator guide, custom-notifs; read 2026-11-25): version
"1.0", source "custom", content with client-markdown, title, description, nextSteps; metadata with a thread,
related resources and whatever context.
"""

from __future__ import annotations

from typing import Any

from tunedrop.contracts import Ending
from tunedrop.ending.outcome import outcome_of
from tunedrop.reporting import advice, notification, verdict
from tunedrop.stage import Stage

_MARKS = {
    "promoted": ":white_check_mark:",
    "rejected": ":no_entry_sign:",
    "undecided": ":grey_question:",
    "failed": ":x:",
    "stopped": ":octagonal_sign:",
    "refused": ":no_entry:",
}
MAX_DESCRIPTION = 3_000


def message(stage: Stage, ending: Ending) -> dict[str, Any]:
    """What is published, as JSON, to the topic that the chat client reads."""
    run, outcome = ending.run, outcome_of(ending)
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{run.run_id}-{run.attempt}",
        "content": {
            "textType": "client-markdown",
            "title": f"{_MARKS[outcome]} {run.run_id} {verdict.headline(ending)}",
            "description": _plain(_description(ending))[:MAX_DESCRIPTION],
            "nextSteps": [
                _plain(f"{one.text} {one.command}".strip()) for one in advice.next_steps(stage, ending)
            ],
            "keywords": [outcome, run.base_model or "none", stage.name],
        },
        "metadata": {
            "threadId": run.run_id,
            "summary": _plain(notification.subject(ending)),
            "eventType": "tunedrop-run-ended",
            "relatedResources": [ending.job.model_arn] if ending.job is not None else [],
            "additionalContext": {"stage": stage.name, "outcome": outcome},
        },
    }


def _description(ending: Ending) -> str:
    """The cause of a failure, or the verdict and each score in a line: a chat's letters make no columns."""
    if ending.failure is not None:
        return ending.failure.cause
    found = ending.evaluation
    if found is None:
        return ""
    scores = [*found.scores, *([found.general] if found.general is not None else [])]
    return "\n".join([verdict.sentence(ending), *(f"- {verdict.number(one)}" for one in scores)])


def _plain(text: str) -> str:
    """Text of a dataset as chat shows it: no mention, no link, no formatting can be smuggled in."""
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b"), ("`", "'")):
        text = text.replace(sign, instead)
    return text

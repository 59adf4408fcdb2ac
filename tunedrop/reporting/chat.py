"""The end of a run as a chat notification, in AWS's schema for custom notifications.

Amazon Q Developer in chat applications (administrator guide, custom-notifs; from memory, 2026-11-24): version
"1.0", source "custom", content with client-markdown, title, description, nextSteps; metadata with a thread.
"""

from __future__ import annotations

from typing import Any

from tunedrop.contracts import Ending
from tunedrop.ending.outcome import outcome_of
from tunedrop.reporting import notification

_MARKS = {
    "promoted": ":white_check_mark:",
    "rejected": ":no_entry_sign:",
    "undecided": ":grey_question:",
    "failed": ":x:",
    "stopped": ":octagonal_sign:",
    "refused": ":no_entry:",
}
MAX_DESCRIPTION = 3_000


def message(ending: Ending, stage: str) -> dict[str, Any]:
    """What is published, as JSON, to the topic that the chat client reads."""
    run, outcome = ending.run, outcome_of(ending)
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{run.run_id}-{run.attempt}",
        "content": {
            "textType": "client-markdown",
            "title": f"{_MARKS[outcome]} {run.run_id} {notification.headline(ending)}",
            "description": _plain("\n".join(notification.why(ending)))[:MAX_DESCRIPTION],
            "nextSteps": [_plain(step) for step in notification.next_steps(ending)],
            "keywords": [outcome, run.base_model or "none", stage],
        },
        "metadata": {
            "threadId": run.run_id,
            "summary": notification.subject(ending),
            "eventType": "tunedrop-run-ended",
        },
    }


def _plain(text: str) -> str:
    """Text of a dataset as chat shows it: no mention, no link, no formatting can be smuggled in."""
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b"), ("`", "'")):
        text = text.replace(sign, instead)
    return text

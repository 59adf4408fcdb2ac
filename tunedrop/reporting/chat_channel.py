"""The chat channel: AWS's schema for custom notifications, and the topic that the chat client reads.

Amazon Q Developer in chat applications (administrator guide, custom-notifs; read 2026-11-25): version
"1.0", source "custom", content with client-markdown, title, description, nextSteps; metadata with a thread,
related resources and whatever context.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import escaping
from tunedrop.contracts import Run
from tunedrop.stage import Stage

MAX_DESCRIPTION = 3_000

_MARKDOWN_LINK = re.compile(r"\](?=[(\[:])")
"""What makes a link or an image of the brackets before it, in the Markdown of Microsoft Teams: nothing may
stand between the two (CommonMark 0.31.2, links). Slack has no such links."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The subject of a message, for programs: its kind and identifiers."""

    event: str
    word: str
    resources: tuple[str, ...] = ()


def message(
    stage: Stage, run: Run, about: About, *, title: str, description: str, summary: str, steps: Sequence[str],
    link: str = "", context: Mapping[str, str] = {},
) -> dict[str, Any]:  # fmt: skip
    """A message about a run, in the run's thread.

    Parameters
    ----------
    title
        May contain the client's Markdown; all other texts are escaped.
    steps
        Next steps.
    link
        The link that opens the report.
    context
        The values that a button of the channel needs (`infra.chat_channel`).
    """
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{run.run_id}-{run.attempt}",
        "content": {
            "textType": "client-markdown",
            "title": escaping.line(title),
            "description": "\n".join(filter(None, (_plain(description)[:MAX_DESCRIPTION], _linked(link)))),
            "nextSteps": [_plain(one) for one in steps],
            "keywords": [about.word, run.base_model or "none", stage.name],
        },
        "metadata": {
            "threadId": run.run_id,
            "summary": _plain(summary),
            "eventType": f"tunedrop-{about.event}",
            "relatedResources": list(about.resources),
            "additionalContext": {
                "stage": stage.name,
                "region": stage.region,
                "outcome": about.word,
                **context,
            },
        },
    }


def tell(sns: Any, stage: Stage, said: dict[str, Any]) -> None:
    """Publish a message if the stage has a channel. A failure is logged and does not stop the run."""
    if not stage.chat_topic_arn:
        return
    try:
        sns.publish(TopicArn=stage.chat_topic_arn, Message=msgspec.json.encode(said).decode())
    except (ClientError, BotoCoreError):
        logging.getLogger(__name__).exception("the chat channel could not be notified")


def _linked(link: str) -> str:
    """A link in the client's Markdown."""
    return f"<{link}|Open the report>" if link else ""


def _plain(text: str) -> str:
    """Text of a dataset, escaped for chat: no mentions, links or formatting."""
    text = escaping.lines(text)
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b"), ("`", "'")):
        text = text.replace(sign, instead)
    return _MARKDOWN_LINK.sub("]\u200b", text)

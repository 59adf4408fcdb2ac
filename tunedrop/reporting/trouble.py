"""The notification about one subject that keeps failing while everything else continues."""

from __future__ import annotations

import textwrap
from typing import Any

from tunedrop import clock
from tunedrop.aws.subjects import attributes, subject
from tunedrop.registry.troubles import Trouble
from tunedrop.stage import Stage


def tell(sns: Any, stage: Stage, trouble: Trouble) -> None:
    """Publish that a subject needs attention, with an attribute to filter on."""
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: {trouble.subject} keeps failing"),
        Message=text(stage, trouble),
        MessageAttributes=attributes({"event": "still-failing", "stage": stage.name}),
    )


def text(stage: Stage, trouble: Trouble) -> str:
    """What has failed, how often and why, what to do, and what is not affected."""
    return "\n".join(
        [
            f"In stage {stage.name}, the following failed {trouble.tries} times since "
            f"{clock.for_people(trouble.since)} UTC:",
            "",
            f"    {trouble.subject}",
            textwrap.indent(trouble.error, "    "),
            "",
            "It is retried every 15 minutes and does not delay anything else.",
            "You receive this message only once.",
            "",
            "Check permissions, keys and quotas of the stage:",
            f"    tunedrop doctor --stage {stage.name}",
            "",
        ]
    )

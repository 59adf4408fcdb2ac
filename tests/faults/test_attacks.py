"""What somebody may put who can upload: places that start nothing."""

from __future__ import annotations

from local.driver import Inbox, Message, Pipeline, until
from local.embedded import Embedded

SECONDS = 400.0


def test_what_starts_nothing_is_told_in_a_message(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    for key in ("runs/nothing/train.jsonl", "runs/nobody-0123456789/approve/1-0a", "elsewhere/a.jsonl"):
        pipeline.put(key, b"{}")

    def told() -> Message | None:
        return next((one for one in inbox.all() if "runs/nothing/" in one.text), None)

    message = until(told, "a message about what starts nothing", SECONDS)
    assert message.attributes["event"] == "upload-starts-nothing"
    assert "run.yaml" in message.text

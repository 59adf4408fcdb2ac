"""The question for approval: to the topic always, to the chat where the stage has one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop.contracts import CostLine, Estimate
from tunedrop.waiting import approval

CHAT = "arn:aws:sns:us-east-1:111122223333:chat"
UNTIL = "2026-11-24T10:00:00Z"
ESTIMATE = Estimate(
    lines=(CostLine(item="training", low=1, likely=2, high=3, basis="tokens", source="page"),),
    low=1, likely=2, high=3, budget_usd=1, approval_reasons=("it costs more than <b>1 USD</b>",),
)  # fmt: skip


class Topics:
    """SNS; the chat's topic may be broken."""

    def __init__(self, *, chat_broken: bool = False) -> None:
        self.published: list[dict[str, Any]] = []
        self._chat_broken = chat_broken

    def publish(self, **message: Any) -> None:
        if self._chat_broken and message["TopicArn"] == CHAT:
            raise refusal("KMSAccessDenied")
        self.published.append(message)


def test_the_chat_is_asked_too_with_how_to_answer() -> None:
    topics, stage = Topics(), builders.stage(chat_topic_arn=CHAT)

    approval.ask(topics, stage, builders.run(), ESTIMATE, UNTIL)

    mail, chat = topics.published
    code = approval.code_of(builders.run(), ESTIMATE)
    said = json.loads(chat["Message"])
    assert (mail["TopicArn"], chat["TopicArn"]) == (stage.topic_arn, CHAT)
    assert said["content"]["title"].endswith("persona-0123456789 is waiting for your approval")
    assert "about 2.00 USD" in said["content"]["description"]
    assert "&lt;b&gt;" in said["content"]["description"]
    assert (
        f"tunedrop approve persona-0123456789 --estimate {code} --stage test"
        in said["content"]["nextSteps"][0]
    )
    assert said["content"]["nextSteps"][-1].startswith("Without an answer it is refused on ")
    assert said["content"]["nextSteps"][-1] in mail["Message"]
    assert said["metadata"]["threadId"] == "persona-0123456789"
    assert said["metadata"]["eventType"] == "tunedrop-approval-required"
    assert said["metadata"]["additionalContext"]["approval"] == code


@pytest.mark.parametrize("chat", ["", CHAT])
def test_a_chat_that_is_not_there_or_cannot_be_told_keeps_nobody_from_being_asked(chat: str) -> None:
    topics = Topics(chat_broken=True)

    approval.ask(topics, builders.stage(chat_topic_arn=chat), builders.run(), ESTIMATE, UNTIL)

    assert [one["TopicArn"] for one in topics.published] == [builders.stage().topic_arn]


def test_a_retry_that_waits_says_what_its_attempts_have_cost() -> None:
    stage, retried = builders.stage(chat_topic_arn=CHAT), builders.run(attempt=2, spent_before_usd=12.5)
    topics = Topics()

    approval.ask(topics, stage, retried, ESTIMATE, UNTIL)

    for said in topics.published:
        assert "Its attempts so far have cost 12.50 USD." in said["Message"]
        assert "Nothing has been paid" not in said["Message"]
    assert "Nothing has been paid yet." in approval.text(stage, builders.run(), ESTIMATE, UNTIL)

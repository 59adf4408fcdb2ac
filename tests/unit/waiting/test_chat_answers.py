"""What a button of the chat does: it answers the one estimate that its message shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.contracts import Estimate, Run, Wait
from tunedrop.stage import Stage
from tunedrop.waiting import approval, chat_answers
from tunedrop.waiting.table import Waits

ESTIMATE = Estimate(lines=(), low=1, likely=2, high=3, budget_usd=1)


pytestmark = pytest.mark.usefixtures("intake")


def asks(waits: Waits, run: Run) -> str:
    """A run that waits for approval; gives the code of its estimate."""
    waits.register(
        Wait(
            run_id=run.run_id, kind="approval", subject=approval.key_of(run, ESTIMATE), token="token",
            arrived_at="2026-11-29T06:00:00Z", parked_at="2026-11-29T06:00:00Z",
        )
    )  # fmt: skip
    return approval.code_of(run, ESTIMATE)


def keys(aws: Aws, stage: Stage) -> list[str]:
    found = aws.s3.list_objects_v2(Bucket=stage.intake_bucket).get("Contents", [])
    return [one["Key"] for one in found]


def test_approve_puts_what_the_run_waits_for(aws: Aws, stage: Stage, waits: Waits) -> None:
    mine, other = builders.run(run_id="mine-0123456789"), builders.run(run_id="other-0123456789")
    code, _ = asks(waits, mine), asks(waits, other)

    assert chat_answers.approve(aws.s3, stage, waits, code) == "mine-0123456789 is approved and continues."
    assert keys(aws, stage) == [approval.key_of(mine, ESTIMATE)]


def test_refuse_stops_the_attempt_that_asks(aws: Aws, stage: Stage, waits: Waits) -> None:
    code = asks(waits, builders.run(run_id="mine-0123456789", attempt=3))

    assert "is stopped" in chat_answers.stop(aws.s3, stage, waits, code)
    assert keys(aws, stage) == ["runs/mine-0123456789/stop/3"]


@pytest.mark.parametrize("answer", [chat_answers.approve, chat_answers.stop])
@pytest.mark.parametrize(
    "code", ["", "1", "1-0000000000", "1-*", "../1", "x/approve/1", "1-9f3c2a1b7d\n", "$c"]
)
def test_a_code_that_nothing_waits_for_does_nothing(
    aws: Aws, stage: Stage, waits: Waits, code: str, answer: Any
) -> None:
    asks(waits, builders.run())
    waits.register(builders.wait(run_id="other-0123456789", kind="approval", subject="names no estimate"))

    assert answer(aws.s3, stage, waits, code) == chat_answers.NOTHING
    assert keys(aws, stage) == []


def test_the_button_of_an_earlier_attempt_does_not_approve_the_next(
    aws: Aws, stage: Stage, waits: Waits
) -> None:
    asks(waits, builders.run(attempt=2))

    earlier = approval.code_of(builders.run(attempt=1), ESTIMATE)
    assert chat_answers.approve(aws.s3, stage, waits, earlier) == chat_answers.NOTHING

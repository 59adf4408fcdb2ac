"""Who may create a deployment while the account's quota is full: first come, first served, nobody polls."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import Serving, Wait
from tunedrop.errors import DeploymentsFull, ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.serving import kinds
from tunedrop.stage import Stage
from tunedrop.waiting.deployments import create_or_queue
from tunedrop.waiting.resolve import Callbacks
from tunedrop.waiting.table import DEPLOYMENTS, REFUSAL_SECONDS, Waits

KIND = kinds.of("on-demand")
GONE = refusal("ResourceNotFoundException")


def listed(*statuses: str) -> dict[str, Any]:
    return {"modelDeploymentSummaries": [{"status": one} for one in statuses]}


def full() -> Serving:
    raise DeploymentsFull("the account has too many (L-1EF80F3E)")


def waiting(run_id: str, arrived_at: str) -> Wait:
    return builders.wait(
        run_id=run_id, kind="deployment", subject=run_id, token=run_id, arrived_at=arrived_at
    )


def test_a_run_that_is_refused_queues_until_there_are_fewer_than_at_its_refusal(waits: Waits) -> None:
    bedrock = FakeBedrock(list_custom_model_deployments=listed("Active", "Active"))

    with pytest.raises(DeploymentsFull):
        create_or_queue(bedrock, waits, KIND, "name", full, granted=False)

    assert waits.refused_at(DEPLOYMENTS) == 2


def test_a_quota_of_deployments_in_progress_is_waited_for_in_the_step(waits: Waits) -> None:
    bedrock = FakeBedrock(list_custom_model_deployments=listed("Active", "Creating"))

    with pytest.raises(TransientError) as caught:
        create_or_queue(bedrock, waits, KIND, "name", full, granted=False)

    assert type(caught.value) is TransientError
    assert waits.refused_at(DEPLOYMENTS) is None


def test_where_there_is_none_that_could_go_the_run_fails_with_the_quota(waits: Waits) -> None:
    bedrock = FakeBedrock(list_custom_model_deployments=listed())

    with pytest.raises(ThroughputFailed, match="L-1EF80F3E"):
        create_or_queue(bedrock, waits, KIND, "name", full, granted=False)


def test_a_newcomer_stands_behind_those_who_wait_but_finds_what_it_has_created(waits: Waits) -> None:
    waits.register(waiting("first-0000000001", "2026-11-23T10:00:00Z"))
    made = builders.serving()

    with pytest.raises(DeploymentsFull):
        create_or_queue(
            FakeBedrock(get_custom_model_deployment=GONE), waits, KIND, "name", lambda: made, granted=False
        )
    there = FakeBedrock(get_custom_model_deployment={"customModelDeploymentArn": made.arn})
    assert create_or_queue(there, waits, KIND, "name", lambda: made, granted=False) == made
    assert create_or_queue(FakeBedrock(), waits, KIND, "name", lambda: made, granted=True) == made


class Tokens:
    """Step Functions, as far as tokens go."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803
        self.given.append(taskToken)


@pytest.fixture
def tokens(aws: Aws, intake: str) -> Tokens:
    aws.step_functions = tokens = Tokens()
    return tokens


def test_they_are_let_in_in_the_order_of_their_arrival_as_deployments_go(
    aws: Aws, stage: Stage, registry: Registry, waits: Waits, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits.register(waiting("late-0000000002", "2026-11-23T11:00:00Z"))
    waits.register(waiting("early-0000000001", "2026-11-23T10:00:00Z"))
    waits.note_refusal(2, DEPLOYMENTS)

    aws.bedrock = FakeBedrock(list_custom_model_deployments=listed("Active", "Active"))
    assert Callbacks(aws, stage).grant_deployments() == []
    aws.bedrock = FakeBedrock(list_custom_model_deployments=listed("Active"))
    Callbacks(aws, stage).grant_deployments()
    assert tokens.given == ["early-0000000001"]

    later = clock.after(clock.now(), REFUSAL_SECONDS + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    aws.bedrock = FakeBedrock(list_custom_model_deployments=listed("Active", "Active"))
    Callbacks(aws, stage).grant_deployments()
    assert tokens.given == ["early-0000000001", "late-0000000002"]

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.lifecycle import announce
from tunedrop.stage import Stage


class Topic:
    """SNS, as far as publishing goes."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.published.append(message)


@pytest.fixture
def topic(aws: Aws) -> Topic:
    topic = Topic()
    aws.sns = topic
    return topic


@pytest.fixture
def in_production(aws: Aws, stage: Stage, registry: Registry) -> None:
    Aliases(aws.ssm, aws.dynamodb, stage).promote(
        "persona", "persona-0123456789", builders.MODEL_ARN, builders.DEPLOYMENT_ARN
    )


def ends_in(days: int) -> Answer:
    ends = datetime.now(UTC) + timedelta(days=days)
    return {"modelDetails": {"modelLifecycle": {"status": "LEGACY", "endOfLifeTime": ends}}}


@pytest.mark.usefixtures("in_production")
def test_a_base_model_that_ends_soon_is_announced_once(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=ends_in(60))

    announce(aws, stage, registry)
    announce(aws, stage, registry)

    (message,) = topic.published
    assert message["MessageAttributes"]["event"]["StringValue"] == "base-model-ends"
    assert "tuned from meta.llama3-3-70b-instruct-v1:0:128k" in message["Message"]
    assert "persona-0123456789" in message["Message"]


@pytest.mark.usefixtures("in_production")
def test_what_could_not_be_told_is_told_the_next_day(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=ends_in(60))
    with monkeypatch.context() as broken:
        broken.setattr(topic, "publish", refused)
        with pytest.raises(ClientError):
            announce(aws, stage, registry)
    monkeypatch.setattr(registry, "claim", lambda *_: True)  # another day

    (told,) = announce(aws, stage, registry)

    assert told.alias == f"{stage.alias_prefix}/persona"
    assert len(topic.published) == 1


def refused(**_: Any) -> None:
    raise refusal("InternalErrorException")


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize(
    ("answer", "told"),
    [(ends_in(400), 0), ({"modelDetails": {"modelLifecycle": {"status": "ACTIVE"}}}, 0),
     (refusal("ResourceNotFoundException"), 1)],
)  # fmt: skip
def test_only_what_ends_soon_or_is_gone_is_announced(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, answer: Answer, told: int
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=answer)

    announce(aws, stage, registry)

    assert len(topic.published) == told


def test_without_models_in_production_nobody_is_asked(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock()

    assert announce(aws, stage, registry) == []

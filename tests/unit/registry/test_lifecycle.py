from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.lifecycle import announce
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage

OF_LLAMA = builders.MODEL_ARN.replace(builders.NOVA_LITE, builders.LLAMA_3_3)
"""A model whose base has a successor."""


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
        "persona", "persona-0123456789", OF_LLAMA, builders.DEPLOYMENT_ARN
    )


NOW = datetime.now(UTC)


def life(status: str, legacy_in: int | None = None, ends_in: int | None = None) -> Answer:
    """Bedrock's answer about a base model, with its dates in so many days from now."""
    days = {"legacyTime": legacy_in, "endOfLifeTime": ends_in}
    moments = {name: NOW + timedelta(days=many) for name, many in days.items() if many is not None}
    return {"modelDetails": {"modelLifecycle": {"status": status, **moments}}}


def ends_in(days: int) -> Answer:
    return life("LEGACY", ends_in=days)


@pytest.mark.usefixtures("in_production")
def test_a_base_model_that_ends_soon_is_announced_once(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=ends_in(60))

    announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))
    announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))

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
        assert announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table)) == []
    monkeypatch.setattr(registry, "claim", lambda *_: True)  # another day

    (told,) = announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))

    assert told.alias == f"{stage.alias_prefix}/persona"
    assert len(topic.published) == 1


def refused(**_: Any) -> None:
    raise refusal("InternalErrorException")


LEGACY_NOW = "no new customization job or provisioned throughput"


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize(
    ("answer", "subject", "says"),
    [
        (life("ACTIVE"), "", ""),
        (life("ACTIVE", legacy_in=200, ends_in=400), "becomes Legacy on", "From 20"),
        (life("ACTIVE", legacy_in=200), "becomes Legacy on", "From 20"),
        (life("ACTIVE", legacy_in=-1), "is Legacy", LEGACY_NOW),
        (life("LEGACY", legacy_in=-90, ends_in=90), "is Legacy and ends on", LEGACY_NOW),
        (life("LEGACY", legacy_in=-20, ends_in=25), "is Legacy and ends on", LEGACY_NOW),
        (life("LEGACY"), "is Legacy", "Once it has ended"),
        (life("LEGACY", ends_in=-1), "has ended", "cannot be invoked"),
        (refusal("ResourceNotFoundException"), "has ended", "cannot be invoked"),
    ],
)
def test_what_ages_is_announced_with_what_that_forbids_and_a_successor(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, answer: Answer, subject: str, says: str
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=answer)

    announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))

    assert [subject in one["Subject"] for one in topic.published] == ([True] if subject else [])
    for message in topic.published:
        assert says in message["Message"]
        assert "Take amazon.nova-lite-v1:0:300k" in message["Message"]
        assert "\n" not in message["Subject"]
        assert len(message["Subject"]) < 100
        assert all(one["StringValue"] for one in message["MessageAttributes"].values())


@pytest.mark.usefixtures("in_production")
def test_of_what_a_person_has_replaced_by_hand_nothing_is_announced(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=ends_in(60))
    alias = f"{stage.alias_prefix}/persona"
    aws.ssm.put_parameter(Name=alias, Value="us.amazon.nova-lite-v1:0", Type="String", Overwrite=True)

    assert announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table)) == []
    assert topic.published == []


def test_without_models_in_production_nobody_is_asked(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock()

    assert announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table)) == []


@pytest.mark.usefixtures("in_production")
@pytest.mark.parametrize(
    ("succession", "answer", "says"),
    [
        (False, life("LEGACY"), "by itself if its setting succession says so"),
        (True, life("LEGACY"), "Today, the stage starts such a run by itself"),
        (True, life("ACTIVE", legacy_in=30), "Once it is Legacy, the stage starts such a run by itself"),
    ],
)
def test_the_notice_says_what_the_stage_does_and_the_command_either_way(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, succession: bool, answer: Answer, says: str
) -> None:
    aws.bedrock = FakeBedrock(get_foundation_model=answer)
    stage = msgspec.structs.replace(stage, succession=succession)

    announce(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))

    (message,) = topic.published
    assert says in message["Message"]
    assert "tunedrop submit FOLDER --stage test" in message["Message"]

"""Imported models that nobody invokes, with CloudWatch from moto."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.troubles import Troubles
from tunedrop.results import idle_models
from tunedrop.serving.sweep import InService
from tunedrop.stage import Stage
from tunedrop.steps.sweep_throughput import Sweep

RUN, QWEN = "persona-0123456789", "qwen.qwen3-32b"
ARN = "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl"
NOW = datetime.now(UTC)


class Topic:
    """SNS, as far as publishing goes."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.is_broken = False

    def publish(self, **message: Any) -> None:
        if self.is_broken:
            raise refusal("InternalErrorException", status=500)
        self.published.append(message)


@pytest.fixture
def topic(aws: Aws, registry: Registry) -> Topic:
    registry.register(builders.run(base_model=QWEN))
    aws.bedrock = FakeBedrock(
        get_imported_model={"customModelUnits": {"customModelUnitsPerModelCopy": 2}},
    )
    aws.sns = found = Topic()
    return found


def days_ago(days: float) -> str:
    return clock.write(NOW - timedelta(days=days))


def model(created: float = 90, **changes: Any) -> InService:
    usual = InService(
        arn=ARN, name=f"tunedrop-test-{RUN}", way="imported", status="Active", model_arn="", run_id=RUN,
        created_at=days_ago(created),
    )  # fmt: skip
    return msgspec.structs.replace(usual, **changes)


def invoked(aws: Aws, days: float, model_id: str = ARN, count: float = 1.0) -> None:
    metric: Any = {
        "MetricName": "Invocations", "Value": count, "Timestamp": NOW - timedelta(days=days),
        "Dimensions": [{"Name": "ModelId", "Value": model_id}],
    }  # fmt: skip
    aws.cloudwatch.put_metric_data(Namespace="AWS/Bedrock", MetricData=[metric])


def announce(aws: Aws, stage: Stage, registry: Registry, *serving: InService) -> list[str]:
    troubles = Troubles(aws.dynamodb, stage.registry_table)
    return idle_models.announce(aws, stage, registry, troubles, serving or (model(),))


def test_a_model_in_production_that_nobody_invokes_is_named_with_what_it_costs_and_what_removes_it(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    Aliases(aws.ssm, aws.dynamodb, stage).promote("persona", RUN, "package", ARN)
    invoked(aws, 45)
    invoked(aws, 20, "another model")
    invoked(aws, 20, count=0.0)

    assert announce(aws, stage, registry) == [ARN]
    assert announce(aws, stage, registry) == []

    (message,) = topic.published
    price = catalog.find(QWEN).prices.imported_storage_per_unit_month
    assert price is not None
    assert message["MessageAttributes"]["event"]["StringValue"] == "model-idle"
    assert message["MessageAttributes"]["run_id"]["StringValue"] == RUN
    for said in (
        ARN,
        f"nobody has invoked since {NOW - timedelta(days=45):%Y-%m-%d}",
        f"{2 * price.usd:.2f} USD a month (2 units x 1 month",
        f"applications read {stage.alias_prefix}/persona",
        f"tunedrop teardown {RUN} --stage test\n",
        "asks again because persona is in production",
    ):
        assert said in message["Message"]


@pytest.mark.parametrize(
    "serving",
    [
        model(created=29),
        model(way="provisioned"),
        model(base_model=QWEN),  # swept when no run needs it
        model(run_id="of nobody"),
    ],
)
def test_what_is_young_billed_otherwise_or_swept_is_not_announced(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, serving: InService
) -> None:
    assert announce(aws, stage, registry, serving) == []
    assert topic.published == []


@pytest.mark.parametrize("model_id", [ARN, "abcdefghijkl"])
def test_a_model_that_was_invoked_this_month_is_not_announced(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, model_id: str
) -> None:
    invoked(aws, 80)
    invoked(aws, 28, model_id)

    assert announce(aws, stage, registry) == []
    assert topic.published == []


def test_a_model_without_any_metric_is_not_said_to_be_unused(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    """It has been evaluated: CloudWatch may know it by another name."""
    assert announce(aws, stage, registry) == [ARN]

    message = topic.published[0]["Message"]
    assert "as far as CloudWatch says. It does not count the requests of the evaluation either" in message
    assert "in production" not in message


def test_it_is_announced_again_after_another_month_and_when_it_could_not_be_published(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoked(aws, 31.5)  # on a day that ended 31 days ago
    topic.is_broken = True
    assert announce(aws, stage, registry) == []
    topic.is_broken = False

    told = []
    for days in range(1, 62):
        monkeypatch.setattr(clock, "now", lambda: days_ago(-days))  # noqa: B023 - called in this turn
        told += [days] * len(announce(aws, stage, registry))

    assert told == [1, 29, 59]


@pytest.mark.usefixtures("intake", "waits")
def test_a_turn_of_the_sweep_announces_what_it_keeps(aws: Aws, topic: Topic) -> None:
    stage = builders.stage(engines=("bedrock", "sagemaker-serverless"))
    summary = {"modelArn": ARN, "modelName": "tuned", "creationTime": NOW - timedelta(days=90)}
    tags = [{"key": "tunedrop:stage", "value": stage.name}, {"key": "tunedrop:run", "value": RUN}]
    aws.bedrock = FakeBedrock(
        list_custom_model_deployments={},
        list_provisioned_model_throughputs={},
        list_imported_models={"modelSummaries": [summary]},
        list_tags_for_resource={"tags": tags},
        get_imported_model={},
    )
    Aliases(aws.ssm, aws.dynamodb, stage).promote("persona", RUN, "package", ARN)

    assert Sweep(aws, stage, lambda _: None).run().idle == [ARN]
    assert [one["Subject"] for one in topic.published] == ["Tunedrop: nobody has used tuned for 90 days"]


def test_one_that_is_gone_by_now_is_not_announced(
    aws: Aws, stage: Stage, registry: Registry, topic: Topic
) -> None:
    aws.bedrock = FakeBedrock(get_imported_model=refusal("ResourceNotFoundException", status=404))

    assert announce(aws, stage, registry) == []
    assert topic.published == []

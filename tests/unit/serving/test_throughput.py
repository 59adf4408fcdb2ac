from __future__ import annotations

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.contracts import DeploymentSettings, Serving, Way
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.serving import throughput
from tunedrop.stage import Stage


def create(bedrock: FakeBedrock, stage: Stage, way: Way, **settings: object) -> Serving:
    return throughput.create(
        bedrock,
        stage,
        "persona-0123456789",
        "tunedrop-test-persona-0123456789",
        builders.MODEL_ARN,
        DeploymentSettings(**settings),  # type: ignore[arg-type]
        way,
    )


def test_on_demand_is_a_custom_model_deployment(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN}
    )

    serving = create(bedrock, stage, "on-demand")

    assert serving.arn == builders.DEPLOYMENT_ARN
    assert serving.status == "Creating"


def test_provisioned_throughput_without_commitment_names_none(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )

    create(bedrock, stage, "provisioned", model_units=2)

    (request,) = bedrock.called("create_provisioned_model_throughput")
    assert request["modelUnits"] == 2
    assert "commitmentDuration" not in request


def test_whatever_serves_carries_its_run_and_its_expiry(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )

    serving = create(bedrock, stage, "provisioned")

    (request,) = bedrock.called("create_provisioned_model_throughput")
    assert {"key": "tunedrop:run", "value": "persona-0123456789"} in request["tags"]
    assert {"key": "tunedrop:expires", "value": serving.expires_at} in request["tags"]
    assert serving.expires_at > serving.created_at


def test_a_retry_finds_what_an_earlier_try_has_created(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment=refusal("ValidationException", "name is in use"),
        get_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN},
    )

    assert create(bedrock, stage, "on-demand").arn == builders.DEPLOYMENT_ARN


def test_a_deployment_waits_until_another_run_gives_one_up(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment=refusal("ServiceQuotaExceededException", "too many.")
    )

    with pytest.raises(TransientError, match="L-1EF80F3E"):
        create(bedrock, stage, "on-demand")


def test_a_quota_of_zero_says_which_quota_to_ask_for(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput=refusal("ServiceQuotaExceededException", "no units reserved.")
    )

    with pytest.raises(ThroughputFailed, match="L-BE77399C"):
        create(bedrock, stage, "provisioned")


@pytest.mark.parametrize(("status", "expected"), [("Creating", None), ("Active", "InService")])
def test_a_deployment_is_in_service_when_it_is_active(status: str, expected: str | None) -> None:
    bedrock = FakeBedrock(get_custom_model_deployment={"status": status})

    outcome = throughput.outcome(bedrock, builders.serving())

    assert (outcome.status if outcome else None) == expected


def test_a_failed_throughput_says_why() -> None:
    bedrock = FakeBedrock(
        get_provisioned_model_throughput={"status": "Failed", "failureMessage": "no capacity"}
    )

    with pytest.raises(ThroughputFailed, match="no capacity"):
        throughput.outcome(bedrock, builders.serving(way="provisioned", arn=builders.PROVISIONED_ARN))


def test_what_is_gone_already_is_released(stage: Stage) -> None:
    bedrock = FakeBedrock(delete_custom_model_deployment=refusal("ResourceNotFoundException"))

    assert throughput.release(bedrock, builders.DEPLOYMENT_ARN) is False


def test_what_is_still_being_created_is_released_a_little_later() -> None:
    bedrock = FakeBedrock(
        delete_custom_model_deployment=refusal(
            "ValidationException", "Custom model deployment is in a mutating state"
        )
    )

    with pytest.raises(TransientError):
        throughput.release(bedrock, builders.DEPLOYMENT_ARN)

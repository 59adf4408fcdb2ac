from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.errors import TransientError
from tunedrop.serving._swap import behind, swap
from tunedrop.serving.kind import CannotSwap

OLD = builders.MODEL_ARN
NEW = builders.MODEL_ARN.replace("abcdefghij12", "zyxwvutsrq98")
OTHER_BASE = NEW.replace(builders.NOVA_LITE, builders.LLAMA_3_1)


def deployment(model: str, update: str = "", desired: str = NEW) -> dict[str, Any]:
    details = {"updateDetails": {"modelArn": desired, "updateStatus": update}} if update else {}
    return {"status": "Active", "modelArn": model, **details}


def provisioned(model: str, status: str = "InService", desired: str = "") -> dict[str, Any]:
    return {"status": status, "modelArn": model, "desiredModelArn": desired or model, "modelUnits": 1}


def test_a_swap_behind_a_deployment_begins_once_and_is_waited_for() -> None:
    bedrock = FakeBedrock(
        get_custom_model_deployment=[
            deployment(OLD), deployment(OLD, "Updating"), deployment(NEW, "UpdateCompleted"),
        ],
        update_custom_model_deployment={},
    )  # fmt: skip

    for _ in range(2):
        with pytest.raises(TransientError, match="is being pointed at"):
            swap(bedrock, builders.DEPLOYMENT_ARN, NEW)
    swap(bedrock, builders.DEPLOYMENT_ARN, NEW)

    (call,) = bedrock.called("update_custom_model_deployment")
    assert call == {"customModelDeploymentIdentifier": builders.DEPLOYMENT_ARN, "modelArn": NEW}


def test_a_swap_behind_provisioned_throughput_begins_once_and_is_waited_for() -> None:
    bedrock = FakeBedrock(
        get_provisioned_model_throughput=[
            provisioned(OLD), provisioned(OLD, "Updating", NEW), provisioned(NEW),
        ],
        update_provisioned_model_throughput={},
    )  # fmt: skip

    for _ in range(2):
        with pytest.raises(TransientError):
            swap(bedrock, builders.PROVISIONED_ARN, NEW)
    swap(bedrock, builders.PROVISIONED_ARN, NEW)

    (call,) = bedrock.called("update_provisioned_model_throughput")
    assert call == {"provisionedModelId": builders.PROVISIONED_ARN, "desiredModelId": NEW}


def test_provisioned_throughput_takes_no_model_of_another_base() -> None:
    bedrock = FakeBedrock(get_provisioned_model_throughput=provisioned(OLD))

    with pytest.raises(CannotSwap, match="another base model"):
        swap(bedrock, builders.PROVISIONED_ARN, OTHER_BASE)


@pytest.mark.parametrize(
    "answer", [deployment(OLD, "UpdateFailed"), refusal("ValidationException", "not supported")]
)
def test_what_bedrock_does_not_swap_is_said(answer: Any) -> None:
    with pytest.raises(CannotSwap):
        swap(FakeBedrock(get_custom_model_deployment=answer), builders.DEPLOYMENT_ARN, NEW)


def test_another_model_can_follow_one_whose_swap_failed() -> None:
    bedrock = FakeBedrock(
        get_custom_model_deployment=deployment(OLD, "UpdateFailed", desired=OTHER_BASE),
        update_custom_model_deployment={},
    )

    with pytest.raises(TransientError):
        swap(bedrock, builders.DEPLOYMENT_ARN, NEW)

    assert bedrock.called("update_custom_model_deployment")


@pytest.mark.parametrize(
    "error", [refusal("ThrottlingException"), refusal("ValidationException", "is in a mutating state")]
)
def test_what_passes_is_tried_again(error: Any) -> None:
    bedrock = FakeBedrock(get_custom_model_deployment=deployment(OLD), update_custom_model_deployment=error)

    with pytest.raises(TransientError):
        swap(bedrock, builders.DEPLOYMENT_ARN, NEW)


def test_a_throughput_that_did_not_take_its_desired_model_has_failed_to() -> None:
    bedrock = FakeBedrock(get_provisioned_model_throughput=provisioned(OLD, desired=NEW))

    assert behind(bedrock, builders.PROVISIONED_ARN).change == "failed"

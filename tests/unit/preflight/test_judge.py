"""What preflight finds out about a judge of evaluation jobs before anything is paid."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import ACCESSIBLE, NOT_SUBSCRIBED, FakeBedrock, refusal
from tunedrop.contracts import Check, JudgeSettings
from tunedrop.preflight import _judge as judge_check

ALLOWED = {"EvaluationResults": [{"EvalDecision": "allowed"}]}
DENIED = {"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}
STAGE = builders.stage(evaluation_role_arn="arn:aws:iam::111122223333:role/evaluation")


def checked(model: Any, simulated: Any = ALLOWED, access: Any = ACCESSIBLE) -> Check:
    aws = SimpleNamespace(
        bedrock=FakeBedrock(get_foundation_model=model, get_foundation_model_availability=access),
        iam=FakeBedrock(simulate_principal_policy=simulated),
    )
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0", via="evaluation-job")
    return judge_check.judge(aws, STAGE, builders.run(), judge)  # type: ignore[arg-type]


@pytest.mark.parametrize("simulated", [ALLOWED, recorded("simulated-under-a-control-policy")])
def test_a_judge_that_lives_and_may_be_asked_passes(simulated: Any) -> None:
    assert checked({"modelDetails": {"modelLifecycle": {"status": "ACTIVE"}}}, simulated).passed


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "ValidationException"])
def test_a_judge_that_does_not_exist_is_told_with_its_region(code: str) -> None:
    check = checked(refusal(code))

    assert not check.passed
    assert "the judge us.amazon.nova-pro-v1:0 does not exist in us-east-1" in check.detail
    assert "via: converse" in check.hint


def test_a_run_may_do_without_the_stages_judge_if_that_is_gone() -> None:
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0", open_text_only=True)
    aws = SimpleNamespace(bedrock=FakeBedrock(get_foundation_model=refusal("ResourceNotFoundException")))

    check = judge_check.judge(aws, STAGE, builders.run(), judge)  # type: ignore[arg-type]

    assert check.hint.startswith("Name a model in evaluation.judge, or none")


def test_a_judge_at_its_end_of_life_is_told() -> None:
    ended = {"modelLifecycle": {"endOfLifeTime": datetime(2026, 1, 1, tzinfo=UTC)}}

    assert "has reached its end of life" in checked({"modelDetails": ended}).detail


def test_a_judge_that_nobody_has_subscribed_to_is_told() -> None:
    check = checked({"modelDetails": {}}, access=NOT_SUBSCRIBED)

    assert not check.passed
    assert "agreement NOT_AVAILABLE" in check.detail
    assert "aws-marketplace:Subscribe" in check.detail


@pytest.mark.parametrize(
    ("simulated", "action"),
    [([DENIED], "bedrock:InvokeModel"), ([ALLOWED, DENIED], "s3:PutObject")],
)
def test_a_role_that_cannot_work_is_told(simulated: list[Any], action: str) -> None:
    check = checked({"modelDetails": {}}, simulated)

    assert not check.passed
    assert f"may not {action}" in check.detail


@pytest.mark.parametrize(
    ("place", "passes"),
    [
        ("us-east-1:111122223333:inference-profile/us.", True),
        ("us-east-1::foundation-model/", True),
        ("us-east-1:999988887777:inference-profile/us.", False),
        ("eu-west-1:111122223333:inference-profile/eu.", False),
        ("eu-west-1::foundation-model/", False),
    ],
)
def test_a_judge_of_another_account_or_region_is_told_before_anything_is_paid(
    place: str, passes: bool
) -> None:
    """The functions may call none of them (`infra.permissions.bedrock`)."""
    judge = JudgeSettings(model=f"arn:aws:bedrock:{place}amazon.nova-pro-v1:0")
    aws = SimpleNamespace(
        bedrock=FakeBedrock(
            get_foundation_model={"modelDetails": {}}, get_foundation_model_availability=ACCESSIBLE
        )
    )

    check = judge_check.judge(aws, STAGE, builders.run(), judge)  # type: ignore[arg-type]

    assert check.passed is passes
    assert passes or "is not of this account and Region: name amazon.nova-pro-v1:0" in check.detail


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "meta.llama3-3-70b-instruct-v1:0"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.a.b-v1:0", "a.b-v1:0"),
    ],
)
def test_an_inference_profile_is_one_of_a_model(asked: str, known: str) -> None:
    assert judge_check.foundation_model(asked) == known

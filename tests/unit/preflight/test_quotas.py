"""What would keep a run from its end is known before anything is paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from msgspec import structs

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.aws import Aws, inference_quotas
from tunedrop.aws.quotas import Quota, read
from tunedrop.contracts import Check, DeploymentSettings, EvaluationSettings, JudgeSettings, Run
from tunedrop.preflight import _quotas
from tunedrop.serving.kinds import deployment, imported
from tunedrop.serving.kinds.provisioned import NO_COMMITMENT_UNITS
from tunedrop.stage import Stage
from tunedrop.training.engines.bedrock.custom_models import CUSTOM_MODELS

ON_DEMAND = catalog.load()["amazon.nova-lite-v1:0:300k"]
PROVISIONED = structs.replace(ON_DEMAND, serving=structs.replace(ON_DEMAND.serving, ways=("provisioned",)))
LONG_AGO = datetime.now(UTC) - timedelta(days=30)


def listed(**values: float) -> dict[str, Any]:
    codes = {
        "models": CUSTOM_MODELS,
        "deployments": deployment.IN_TOTAL,
        "units": NO_COMMITMENT_UNITS,
    }
    return {
        "Quotas": [
            {"QuotaCode": codes[name], "QuotaName": f"the {name}", "Value": value, "Adjustable": True}
            for name, value in values.items()
        ]
    }


def look(
    aws: Aws,
    stage: Stage,
    answer: Any,
    *,
    models: int = 0,
    deployed: Any = (),
    model: Any = ON_DEMAND,
    jobs: int = 1,
    run: Run | None = None,
) -> Check:
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)
    aws.bedrock = FakeBedrock(
        list_custom_models={"modelSummaries": [{}] * models},
        list_custom_model_deployments={"modelDeploymentSummaries": [{"createdAt": at} for at in deployed]},
        list_provisioned_model_throughputs={"provisionedModelSummaries": [{"modelUnits": 1}]},
    )
    return _quotas.check(aws, stage, run or builders.run(), builders.dataset(), model, jobs)


def test_an_account_with_room_passes(aws: Aws, stage: Stage) -> None:
    assert look(
        aws, stage, listed(models=100, deployments=10, units=0), models=99, deployed=[LONG_AGO]
    ).passed
    assert aws.bedrock.called("list_custom_models") == [{"isOwned": True}]  # others' count in their accounts


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"models": 100}, CUSTOM_MODELS),
        ({"models": 98, "jobs": 3}, CUSTOM_MODELS),
        ({"deployed": [LONG_AGO] * 10}, deployment.IN_TOTAL),
        ({"model": PROVISIONED}, NO_COMMITMENT_UNITS),
    ],
)
def test_a_full_quota_is_named_with_the_request_for_more(
    aws: Aws, stage: Stage, given: dict[str, Any], named: str
) -> None:
    found = look(aws, stage, listed(models=100, deployments=10, units=1), **given)

    assert not found.passed
    assert named in found.detail
    assert f"request-service-quota-increase --service-code bedrock --quota-code {named}" in found.hint


UNIT: dict[str, Any] = {"modelUnits": 1}
COMMITTED: dict[str, Any] = {"modelUnits": 9, "commitmentDuration": "OneMonth"}


@pytest.mark.parametrize(
    ("bought", "settings", "fits"),
    [
        ([], {}, True),
        ([UNIT] * 2, {}, True),  # the third and last
        ([UNIT] * 3, {}, False),
        ([{"modelUnits": 2}], {"model_units": 2}, False),
        ([UNIT], {"model_units": 2}, True),
        ([COMMITTED, UNIT], {}, True),  # units of a commitment are another quota's
        ([UNIT] * 3, {"commitment": "1-month"}, True),
    ],
)
def test_units_without_a_commitment_are_counted_against_their_own_quota(
    aws: Aws, stage: Stage, bought: list[dict[str, Any]], settings: dict[str, Any], fits: bool
) -> None:
    quota = listed(units=3)
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=quota, list_service_quotas=quota)
    aws.bedrock = FakeBedrock(list_provisioned_model_throughputs={"provisionedModelSummaries": bought})
    run = builders.run(deployment=DeploymentSettings(**settings))

    assert _quotas.check(aws, stage, run, builders.dataset(), PROVISIONED, 1).passed is fits


def test_deployments_that_evaluations_hold_are_waited_for(aws: Aws, stage: Stage) -> None:
    deployed = [LONG_AGO] * 9 + [datetime.now(UTC)]

    assert look(aws, stage, listed(deployments=10), deployed=deployed).passed


def test_quotas_that_may_not_be_read_fail_no_run(aws: Aws, stage: Stage) -> None:
    found = look(aws, stage, refusal("AccessDeniedException", "not allowed", "ListServiceQuotas"))

    assert found.passed
    assert "could not be read" in found.detail


def test_the_accounts_own_quota_counts_where_it_has_one(aws: Aws) -> None:
    default, own = listed(models=100.0), listed(models=7.0)
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=default, list_service_quotas=own)

    assert read(aws)[CUSTOM_MODELS].value == 7.0


def test_a_quota_that_aws_does_not_tell_now_is_asked_again(aws: Aws, stage: Stage) -> None:
    throttled = refusal("ThrottlingException")

    with pytest.raises(type(throttled)):
        look(aws, stage, throttled)


@pytest.mark.parametrize(
    ("base_model", "is_there", "used", "fits"),
    [
        ("qwen.qwen3-32b", False, 2, True),
        ("qwen.qwen3-4b", False, 2, False),
        ("qwen.qwen3-4b", False, 1, True),
        ("qwen.qwen3-4b", True, 2, True),
        ("qwen.qwen3-4b", True, 3, False),
    ],
)
def test_a_base_model_to_be_imported_needs_room_too(
    aws: Aws, stage: Stage, base_model: str, is_there: bool, used: int, fits: bool
) -> None:
    answer = listed()
    answer["Quotas"] = [
        {"QuotaCode": imported.IN_TOTAL, "QuotaName": "imported models", "Value": 3, "Adjustable": True}
    ]
    job = {"jobName": "tunedrop-test-base-qwen3-4b-1", "jobArn": JOB}
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)
    aws.bedrock = FakeBedrock(
        list_imported_models={"modelSummaries": [{"modelName": f"model-{n}"} for n in range(used)]},
        list_model_import_jobs={"modelImportJobSummaries": [job] * is_there},
        get_model_import_job={"status": "InProgress", "jobArn": JOB},
    )

    found = _quotas.check(aws, stage, builders.run(), builders.dataset(), catalog.find(base_model), 1)

    assert found.passed is fits
    assert fits or "L-45B04988" in found.hint


def test_copies_of_other_base_models_that_take_the_room_are_named(aws: Aws, stage: Stage) -> None:
    answer = listed()
    answer["Quotas"] = [
        {"QuotaCode": imported.IN_TOTAL, "QuotaName": "imported models", "Value": 3, "Adjustable": True}
    ]
    names = ["tunedrop-test-base-qwen3-8b-1", "tunedrop-test-base-qwen3-4b-2", "theirs"]
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)
    aws.bedrock = FakeBedrock(
        list_imported_models={"modelSummaries": [{"modelName": name} for name in names]},
        list_model_import_jobs={"modelImportJobSummaries": []},
    )

    found = _quotas.check(aws, stage, builders.run(), builders.dataset(), catalog.find("qwen.qwen3-4b"), 1)

    assert not found.passed
    assert "3 used, of them tunedrop-test-base-qwen3-8b-1 to compare with" in found.detail
    assert "theirs" not in found.detail


INFERENCE = recorded("inference-quotas")["Quotas"]
"""The names and codes of an account, each with the model that it belongs to; in this account all are 0."""


@pytest.mark.parametrize("row", [one for one in INFERENCE if one["model"]], ids=lambda row: str(row["model"]))
def test_the_tokens_per_day_of_a_model_are_found_by_their_name(aws: Aws, row: dict[str, Any]) -> None:
    answer = {"Quotas": INFERENCE}
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)

    found = inference_quotas.per_day(read(aws), row["model"])

    assert found is not None
    assert found.code == row["QuotaCode"]


@pytest.mark.parametrize(
    ("model", "value", "twice"),
    [("us.amazon.nova-lite-v1:0", 8, True), ("amazon.nova-lite-v1:0", 8, False)],
)
def test_tokens_per_day_count_twice_for_calls_by_a_profile(model: str, value: float, twice: bool) -> None:
    (row,) = [one for one in INFERENCE if one["model"] == "us.amazon.nova-lite-v1:0"]
    quota = Quota(row["QuotaCode"], row["QuotaName"], value)

    found = inference_quotas.per_day({quota.code: quota}, model)

    assert found is not None
    assert found.value == (2 * value if twice else value)


def test_an_account_without_tokens_per_day_is_told_before_it_pays(aws: Aws, stage: Stage) -> None:
    found = look(aws, stage, {"Quotas": INFERENCE})

    assert not found.passed
    assert "Model invocation max tokens per day for Amazon Nova Lite (doubled for" in found.detail
    assert "(L-45E0AD92) is 0" in found.detail
    assert "Nova Pro" not in found.detail  # nobody asks it
    assert "AWS Support" in found.hint


@pytest.mark.parametrize(("value", "fits"), [(0, False), (1e9, True)])
def test_the_tokens_per_day_of_models_beside_the_base_count_too(
    aws: Aws, stage: Stage, value: float, fits: bool
) -> None:
    plenty = [one | {"Value": 1e9} for one in INFERENCE if "Nova Pro" not in one["QuotaName"]]
    (pro,) = [one | {"Value": value} for one in INFERENCE if "Nova Pro" in one["QuotaName"]]
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0")

    found = look(
        aws, stage, {"Quotas": [*plenty, pro]}, run=builders.run(evaluation=EvaluationSettings(judge=judge))
    )

    assert found.passed is fits


def test_models_tuned_from_a_base_have_tokens_per_day_of_their_own(aws: Aws, stage: Stage) -> None:
    """The name: bedrock-usage-analyzer and others that read an account's quotas (read 2026-11-30)."""
    name = (
        "(Model customization) Sum of on demand custom model deployment tokens per day for Amazon Nova Lite"
    )
    quota = {"QuotaCode": "L-00000000", "QuotaName": name, "Value": 0, "Adjustable": False}

    assert name in look(aws, stage, {"Quotas": [quota]}).detail


def test_bedrock_mantle_has_quotas_of_its_own(aws: Aws, stage: Stage) -> None:
    """ "Traffic to the two endpoints is tracked against separate quotas" (Bedrock user guide, quotas)."""
    name = "Model invocation max tokens per day for Qwen3 32B V1"
    quota = {"QuotaCode": "L-00000000", "QuotaName": name, "Value": 0, "Adjustable": False}
    by_mantle = catalog.find("qwen.qwen3-32b:mantle")
    judged = builders.run(evaluation=EvaluationSettings(judge=JudgeSettings(model="qwen.qwen3-32b-v1:0")))

    assert look(aws, stage, {"Quotas": [quota]}, model=by_mantle).passed
    assert name in look(aws, stage, {"Quotas": [quota]}, model=by_mantle, run=judged).detail


def test_quotas_are_read_in_the_largest_pages(aws: Aws) -> None:
    """Pages have few quotas unless told, of more than a thousand; the most by botocore's model."""
    aws.service_quotas = FakeBedrock(
        list_aws_default_service_quotas=listed(), list_service_quotas=listed(models=1)
    )
    shape = boto3.client("service-quotas", "us-east-1").meta.service_model.shape_for("MaxResults")

    read(aws)

    asked = aws.service_quotas.called("list_service_quotas")
    assert [one["PaginationConfig"]["PageSize"] for one in asked] == [shape.metadata["max"]]


JOB = "arn:aws:bedrock:us-west-2:111122223333:model-import-job/abcdefghij12"

"""Groups and packages of a serverless job: whose they are, where their weights lie, and how they go."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tests.unit.training.test_sagemaker_serverless import BASE, GROUP, LLAMA, PACKAGE, PREFIX, hub_answer
from tunedrop.aws import Aws
from tunedrop.contracts import Check
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.stage import Stage
from tunedrop.training import public_hub
from tunedrop.training.engines.sagemaker_serverless import checks, inventory, packages

MISSING = refusal("ValidationException", "ModelPackageGroup does not exist.")
REFUSED, THROTTLED = refusal("AccessDeniedException"), refusal("ThrottlingException", status=429)
NOW = datetime(2026, 11, 30, tzinfo=UTC)
MADE = {"ModelPackageGroupArn": GROUP}
STAGE = builders.stage(
    region="us-west-2", training_role_arns={"sagemaker-serverless": "t"}, import_role_arn="i"
)


def found(sagemaker: FakeBedrock, *, method: Any = "single-turn", parent_model: str = "") -> dict[str, Check]:
    aws = Aws()
    aws.sagemaker = sagemaker
    run = builders.run(base_model=BASE.id, parent_model=parent_model)
    dataset = builders.dataset(method=method)
    return {one.name: one for one in checks.every(aws, STAGE, run, dataset, BASE)}


# --- groups


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (MISSING, True),  # it will be made
        (MADE, True),
        ({"ModelPackageGroupArn": GROUP.replace("111122223333", "444455556666")}, False),
        (REFUSED, False),
    ],
)
def test_a_group_of_that_name_has_to_be_the_stages(answer: Answer, passed: bool) -> None:
    sagemaker = FakeBedrock(describe_hub_content=hub_answer(), describe_model_package_group=answer)

    assert found(sagemaker)["model package group"].passed is passed


def test_a_throttled_question_about_a_group_or_the_hub_refuses_nothing() -> None:
    for name in ("describe_hub_content", "describe_model_package_group"):
        answers: dict[str, Any] = {
            "describe_hub_content": hub_answer(), "describe_model_package_group": MADE, name: THROTTLED,
        }  # fmt: skip
        with pytest.raises(ClientError, match="ThrottlingException"):
            found(FakeBedrock(**answers))


def test_a_group_is_made_once_with_the_stages_tag_whoever_is_first(stage: Stage) -> None:
    new = FakeBedrock(describe_model_package_group=MISSING, create_model_package_group=MADE)
    raced = FakeBedrock(
        describe_model_package_group=[MISSING, MADE], create_model_package_group=refusal("ConflictException")
    )
    forbidden = FakeBedrock(describe_model_package_group=MISSING, create_model_package_group=REFUSED)

    assert packages.group(new, stage, BASE) == packages.group(raced, stage, BASE) == GROUP
    (request,) = new.called("create_model_package_group")
    assert request["ModelPackageGroupName"] == "tunedrop-test-qwen3-32b"
    assert request["Tags"] == [{"Key": "tunedrop:stage", "Value": "test"}]
    with pytest.raises(ClientError, match="AccessDenied"):
        packages.group(forbidden, stage, BASE)
    there = FakeBedrock(describe_model_package_group=MADE)
    assert packages.group(there, stage, BASE) == GROUP
    assert there.called("create_model_package_group") == []


# --- the hub


@pytest.mark.parametrize(
    ("recipes", "method", "passed"),
    [
        (["SFT", "DPO"], "single-turn", True),
        (["DPO"], "single-turn", False),
        (["DPO"], "preference", True),
        (["SFT"], "preference", False),
        ([None], "single-turn", True),  # recipes that it does not name
        ([], "single-turn", True),
    ],
)
def test_a_method_needs_its_recipe_where_the_hub_names_any(
    recipes: list[Any], method: str, passed: bool
) -> None:
    page = hub_answer(RecipeCollection=[{"CustomizationTechnique": one} for one in recipes])

    sagemaker = FakeBedrock(describe_hub_content=page, describe_model_package_group=MADE)

    assert found(sagemaker, method=method)["hub"].passed is passed


FOLDER = "s3://jumpstart-cache-prod-us-west-2/a/b/"


@pytest.mark.parametrize(
    ("document", "weights"),
    [
        ({"HostingArtifactUri": FOLDER}, FOLDER),
        ({"HostingArtifactUri": FOLDER, "HostingArtifactCompressionType": "None"}, FOLDER),
        ({"HostingArtifactUri": FOLDER, "HostingArtifactCompressionType": "Gzip"}, ""),
        ({"HostingArtifactUri": f"{FOLDER}c.tar.gz"}, ""),
        ({"HostingArtifactUri": FOLDER.rstrip("/")}, ""),
        ({"HostingArtifactUri": FOLDER, "GatedBucket": True}, ""),
        ({"HostingArtifactUri": FOLDER, "HostingEulaUri": "s3://eula"}, ""),
        ({"HostingArtifactUri": "s3://somebody-elses/jumpstart-cache-prod-/a/"}, ""),
        ({}, ""),
    ],
)
def test_the_hub_offers_a_folder_that_everybody_may_read(document: dict[str, Any], weights: str) -> None:
    sagemaker = FakeBedrock(describe_hub_content=hub_answer(**document))

    page = public_hub.describe(sagemaker, LLAMA)

    assert page.weights == weights
    assert page.is_gated == bool({"GatedBucket", "HostingEulaUri"} & set(document))
    (asked,) = sagemaker.called("describe_hub_content")
    assert asked == {
        "HubName": "SageMakerPublicHub",
        "HubContentType": "Model",
        "HubContentName": "meta-textgeneration-llama-3-1-8b-instruct",
    }


# --- packages


@pytest.mark.parametrize(
    ("containers", "prefix"),
    [
        ([{"ModelDataSource": {"S3DataSource": {"S3Uri": PREFIX}}}], PREFIX),
        ([{"ModelDataUrl": PREFIX.rstrip("/")}], PREFIX),
        ([{"ModelDataSource": {"S3DataSource": {"S3Uri": PREFIX}}, "ModelDataUrl": "s3://else/"}], PREFIX),
        ([{}], ""),
        ([], ""),
    ],
)
def test_the_weights_of_a_package_lie_where_its_first_container_says(
    containers: list[dict[str, Any]], prefix: str
) -> None:
    package = {"InferenceSpecification": {"Containers": containers}}

    assert packages.prefix(package) == prefix
    assert packages.prefix({}) == ""
    sagemaker = FakeBedrock(describe_model_package=package)
    assert packages.weights(sagemaker, PACKAGE) == f"{prefix}checkpoints/hf_merged/"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"ModelPackageStatus": "Completed"}, "Active"),
        ({"ModelPackageStatus": "InProgress"}, "InProgress"),
        ({"ModelPackageStatus": "Failed"}, "Failed"),
        (MISSING, ""),
    ],
)
def test_a_package_can_be_used_once_it_is_complete(answer: Answer, status: str) -> None:
    assert packages.status(FakeBedrock(describe_model_package=answer), PACKAGE) == status


def test_a_status_that_sagemaker_refuses_to_tell_is_none() -> None:
    with pytest.raises(ClientError):
        packages.status(FakeBedrock(describe_model_package=REFUSED), PACKAGE)


@pytest.mark.parametrize(
    ("group", "left", "group_goes"),
    [
        ("tunedrop-test-qwen3-32b", [], True),
        ("tunedrop-test-qwen3-32b", [{"ModelPackageArn": "another"}], False),
        ("somebody-elses", [], False),
        ("", [], False),
    ],
)
def test_a_group_goes_with_its_last_package_where_it_is_ours(
    group: str, left: list[dict[str, str]], group_goes: bool
) -> None:
    sagemaker = FakeBedrock(
        describe_model_package={"ModelPackageGroupName": group}, delete_model_package={},
        list_model_packages={"ModelPackageSummaryList": left}, delete_model_package_group={},
    )  # fmt: skip

    assert packages.delete(sagemaker, FakeBedrock(), PACKAGE)

    assert sagemaker.called("delete_model_package") == [{"ModelPackageName": PACKAGE}]
    assert sagemaker.called("delete_model_package_group") == [{"ModelPackageGroupName": group}] * group_goes


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (MISSING, None),
        (THROTTLED, TransientError),
        (refusal("ConflictException"), TransientError),
        (REFUSED, ThroughputFailed),
    ],
)
def test_a_package_that_is_not_deleted_is_no_success(answer: Answer, error: type[Exception] | None) -> None:
    sagemaker = FakeBedrock(describe_model_package={}, delete_model_package=answer)
    if error is None:
        assert not packages.delete(sagemaker, FakeBedrock(), PACKAGE)
    else:
        with pytest.raises(error):
            packages.delete(sagemaker, FakeBedrock(), PACKAGE)


def test_a_package_stays_while_its_weights_do() -> None:
    """What is interrupted is found again by the package."""
    container = {"ModelDataSource": {"S3DataSource": {"S3Uri": PREFIX}}}
    sagemaker = FakeBedrock(describe_model_package={"InferenceSpecification": {"Containers": [container]}})

    with pytest.raises(ThroughputFailed):
        packages.delete(sagemaker, FakeBedrock(list_object_versions=REFUSED), PACKAGE)

    assert sagemaker.called("delete_model_package") == []


@pytest.mark.parametrize(
    ("where", "listed"),
    [
        (PREFIX, ["persona-0123456789"]),
        (PREFIX.replace("artifacts", "company-models"), []),
        ("s3://company-models/", []),
        ("s3://artifacts/", []),
        ("", [""]),  # its job has failed: it holds nothing
    ],
)
def test_a_package_whose_weights_are_not_a_runs_is_none_of_the_stages(
    stage: Stage, where: str, listed: list[str]
) -> None:
    """Whoever may register a package in the stage's group names any place; a teardown would empty it."""
    container = {"ModelDataSource": {"S3DataSource": {"S3Uri": where}}}
    package = {"ModelPackageArn": PACKAGE, "ModelPackageStatus": "Completed", "CreationTime": NOW}
    group = {"ModelPackageGroupName": "tunedrop-test-qwen3-32b", "ModelPackageGroupArn": GROUP}
    sagemaker = FakeBedrock(
        list_model_package_groups={"ModelPackageGroupSummaryList": [group]},
        list_tags={"Tags": [{"Key": "tunedrop:stage", "Value": stage.name}]},
        list_model_packages={"ModelPackageSummaryList": [package]},
        describe_model_package={"InferenceSpecification": {"Containers": [container]}},
    )

    found = inventory.of_stage(sagemaker, stage, ["trained model"])

    assert [one.run_id for one in found] == listed


# --- one job after another


@pytest.mark.parametrize(
    ("before", "after", "may"),
    [
        ("single-turn", "multi-turn", True),
        ("single-turn", "preference", True),
        ("single-turn", "reinforcement", True),
        ("preference", "single-turn", True),
        ("preference", "instruction", True),
        ("preference", "reinforcement", True),
        ("reinforcement", "preference", True),
        ("reinforcement", "reinforcement", True),
        ("reinforcement", "single-turn", False),
        ("reinforcement", "multi-turn", False),
        ("continued-pretraining", "single-turn", False),
        ("single-turn", "continued-pretraining", False),
        (None, "single-turn", True),  # a run that the registry does not know
    ],
)
def test_a_method_goes_on_with_what_another_has_made(
    before: Any, after: Any, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SageMaker AI developer guide, customizing-models-continuous, read 2026-11-29."""
    monkeypatch.setattr(packages, "method_of", lambda *_: before)
    sagemaker = FakeBedrock(describe_hub_content=hub_answer(), describe_model_package_group=MADE)

    check = found(sagemaker, method=after, parent_model=PACKAGE)["order of methods"]

    assert check.passed is may
    assert may or f"was tuned by {before}, and {after} cannot go on with that" in check.detail
    assert "order of methods" not in found(sagemaker, method=after)


def evaluator(status: str, function: str = STAGE.reward_function_arn) -> dict[str, str]:
    content = json.dumps({"JsonContent": json.dumps({"Reference": function})})
    return {"HubContentArn": "arn:hub", "HubContentStatus": status, "HubContentDocument": content}


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (MISSING, True),  # it will be registered
        (evaluator("Available"), True),
        (evaluator("ImportFailed"), False),
        (evaluator("Available", "arn:another"), False),  # somebody has changed it
        *(
            (evaluator("Available") | {"HubContentDocument": odd}, False)
            for odd in ("", "[]", "{{", "[" * 9_999)
        ),
        (REFUSED, False),
    ],
)
def test_an_evaluator_that_is_there_has_to_be_the_stages(answer: Answer, passed: bool) -> None:
    aws = Aws()
    aws.sagemaker = FakeBedrock(describe_hub_content=answer)

    assert checks._evaluator(aws, STAGE).passed is passed


def test_a_throttled_question_about_an_evaluator_refuses_nothing() -> None:
    aws = Aws()
    aws.sagemaker = FakeBedrock(describe_hub_content=THROTTLED)

    with pytest.raises(ClientError, match="ThrottlingException"):
        checks._evaluator(aws, STAGE)

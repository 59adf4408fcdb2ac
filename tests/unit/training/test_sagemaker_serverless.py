"""The engine of open weights; botocore's own service model checks every request and every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from botocore.stub import ANY, Stubber

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import Run, StartedJob
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training import engines, public_hub
from tunedrop.training.engine import outcome
from tunedrop.training.engines.sagemaker_serverless import checks
from tunedrop.training.job import QuotaFull

NAME = "tunedrop-test-persona-0123456789"
SAGEMAKER = "arn:aws:sagemaker:us-west-2:111122223333"
JOB = f"{SAGEMAKER}:training-job/{NAME}"
GROUP = f"{SAGEMAKER}:model-package-group/tunedrop-test-qwen3-32b"
PACKAGE = f"{SAGEMAKER}:model-package/tunedrop-test-qwen3-32b/1"
PREFIX = f"s3://artifacts/runs/persona-0123456789/training/{NAME}/output/"
BASE = catalog.find("qwen.qwen3-32b")
LLAMA = catalog.find("meta.llama3-1-8b-instruct")
ENGINE = engines.named("sagemaker-serverless")
MOMENT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def stage() -> Stage:
    roles = {name: f"arn:aws:iam::111122223333:role/{name}" for name in ("training", "import")}
    return builders.stage(
        region="us-west-2",
        training_role_arns={"sagemaker-serverless": roles["training"]},
        import_role_arn=roles["import"],
    )


@pytest.fixture
def aws() -> Aws:
    found = Aws()
    found.sagemaker = boto3.client("sagemaker", region_name="us-west-2")
    return found


@pytest.fixture
def stubber(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.sagemaker) as found:
        yield found


def run(**changes: Any) -> Run:
    return builders.run(
        base_model=BASE.id, hyperparameters=resolve(BASE, "single-turn", {"max_epochs": 2}), **changes
    )


def start(aws: Aws, stage: Stage, run: Run, parent: str = "") -> StartedJob:
    (planned,) = plan(run, builders.dataset())
    return ENGINE.start(aws, stage, run, planned, BASE, parent)


def there(stubber: Stubber) -> None:
    answer = {
        "ModelPackageGroupName": "g", "ModelPackageGroupArn": GROUP, "CreationTime": MOMENT, "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }  # fmt: skip
    stubber.add_response("describe_model_package_group", answer, {"ModelPackageGroupName": ANY})


def described(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": NAME, "TrainingJobArn": JOB, "ModelArtifacts": {"S3ModelArtifacts": PREFIX},
        "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "CreationTime": MOMENT,
        "StoppingCondition": {}, "OutputModelPackageArn": PACKAGE, "BillableTokenCount": 40_000, **changes,
    }  # fmt: skip


def test_a_job_is_one_that_sagemaker_takes(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    asked: dict[str, Any] = {}
    there(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    aws.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: asked.update(params)
    )

    started = start(aws, stage, run())

    assert started == StartedJob(outcome="started", job_arn=JOB, job_name=NAME)
    assert asked["ServerlessJobConfig"] == {
        "BaseModelArn": "arn:aws:sagemaker:us-west-2:aws:hub-content/SageMakerPublicHub/Model/"
        "huggingface-reasoning-qwen3-32b",
        "JobType": "FineTuning", "CustomizationTechnique": "SFT", "Peft": "LORA",
    }  # fmt: skip
    assert asked["HyperParameters"]["max_epochs"] == "2"
    assert asked["HyperParameters"]["merge_weights"] == "true"
    assert [one["ChannelName"] for one in asked["InputDataConfig"]] == ["train", "validation"]
    assert asked["ModelPackageConfig"] == {"ModelPackageGroupArn": GROUP}
    assert asked["RoleArn"] == "arn:aws:iam::111122223333:role/training"
    assert {"Key": "tunedrop:stage", "Value": "test"} in asked["Tags"]


def test_preferences_are_trained_by_dpo_on_an_earlier_result(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    """Chaining: developer guide, customizing-models-continuous; SFT to DPO, by SourceModelPackageArn."""
    asked: dict[str, Any] = {}
    there(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    aws.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: asked.update(params)
    )
    preferring = builders.run(
        base_model=BASE.id, hyperparameters=resolve(BASE, "preference", {"adam_beta": 0.05})
    )
    (planned,) = plan(preferring, msgspec.structs.replace(builders.dataset(), method="preference"))

    ENGINE.start(aws, stage, preferring, planned, BASE, PACKAGE)

    assert asked["ServerlessJobConfig"]["CustomizationTechnique"] == "DPO"
    assert asked["HyperParameters"]["max_epochs"] == "3"
    assert asked["HyperParameters"]["adam_beta"] == "0.05"
    assert asked["ModelPackageConfig"]["SourceModelPackageArn"] == PACKAGE


def test_a_licence_is_accepted_only_where_a_person_has(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    asked: dict[str, Any] = {}
    there(stubber)
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})
    aws.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: asked.update(params)
    )

    start(aws, stage, run(accept_eula=True), parent=PACKAGE)

    assert asked["ServerlessJobConfig"]["AcceptEula"] is True
    assert asked["ModelPackageConfig"]["SourceModelPackageArn"] == PACKAGE


def test_a_group_that_is_not_there_is_made(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    stubber.add_client_error("describe_model_package_group", "ValidationException", "g does not exist.")
    stubber.add_response("create_model_package_group", {"ModelPackageGroupArn": GROUP})
    stubber.add_response("create_training_job", {"TrainingJobArn": JOB})

    assert start(aws, stage, run()).outcome == "started"
    stubber.assert_no_pending_responses()


def test_a_name_that_is_taken_is_the_job_that_an_earlier_try_has_started(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    there(stubber)
    stubber.add_client_error("create_training_job", "ResourceInUse", "Training job names must be unique.")
    stubber.add_response("describe_training_job", described())

    assert start(aws, stage, run()).job_arn == JOB


def test_a_limit_is_a_quota_that_is_full(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    there(stubber)
    stubber.add_client_error("create_training_job", "ResourceLimitExceeded", "The limit is 2 jobs.")

    with pytest.raises(QuotaFull, match="The limit is 2 jobs"):
        start(aws, stage, run())


def test_a_completed_job_brings_its_package_and_where_its_merged_weights_are(
    aws: Aws, stubber: Stubber
) -> None:
    source = {"S3DataSource": {"S3Uri": PREFIX, "S3DataType": "S3Prefix", "CompressionType": "None"}}
    package = {
        "ModelPackageName": "p", "ModelPackageArn": PACKAGE, "CreationTime": MOMENT,
        "ModelPackageStatus": "Completed", "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {"Containers": [{"ModelDataSource": source}]},
    }  # fmt: skip
    stubber.add_response("describe_training_job", described(), {"TrainingJobName": NAME})
    stubber.add_response("describe_model_package", package, {"ModelPackageName": PACKAGE})

    done = outcome(ENGINE, aws, JOB)

    assert done is not None
    assert done.model_arn == PACKAGE
    assert done.output_uri == f"{PREFIX}checkpoints/hf_merged/"


@pytest.mark.parametrize(
    ("status", "secondary", "raised", "said"),
    [
        ("Failed", "Failed", CustomizationFailed, "out of luck"),
        ("Stopped", "MaxRuntimeExceeded", CustomizationFailed, "run-time limit of 24 hours"),
        ("Stopped", "Stopped", RunStopped, "was stopped"),
    ],
)
def test_a_job_that_did_not_end_well_says_why(
    aws: Aws, stubber: Stubber, status: str, secondary: str, raised: type[Exception], said: str
) -> None:
    job = described(TrainingJobStatus=status, SecondaryStatus=secondary, FailureReason="out of luck")
    stubber.add_response("describe_training_job", job)

    with pytest.raises(raised, match=said):
        outcome(ENGINE, aws, JOB)


@pytest.mark.parametrize(("secondary", "has_not_started"), [("Pending", True), ("Training", False)])
def test_a_job_that_waits_for_capacity_has_not_started(
    aws: Aws, stubber: Stubber, secondary: str, has_not_started: bool
) -> None:
    job = described(TrainingJobStatus="InProgress", SecondaryStatus=secondary)
    stubber.add_response("describe_training_job", job)

    found = ENGINE.describe(aws, JOB)

    assert found is not None
    assert found.has_not_started is has_not_started


def hub_answer(**document: Any) -> dict[str, Any]:
    return {
        "HubContentName": "m", "HubContentArn": f"{SAGEMAKER}:hub-content/h/Model/m",
        "HubContentVersion": "1.0.0",
        "HubContentType": "Model", "DocumentSchemaVersion": "2.0.0", "HubName": "h",
        "HubArn": f"{SAGEMAKER}:hub/h", "HubContentStatus": "Available", "CreationTime": MOMENT,
        "HubContentDocument": json.dumps(document),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("base", "accepted", "gated", "failed"),
    [
        (BASE, False, False, set()),
        (BASE, False, True, {"license"}),
        (LLAMA, False, False, {"license"}),
        (LLAMA, True, True, set()),
    ],
)
def test_a_licence_needs_a_persons_yes_before_anything_is_paid(
    aws: Aws,
    stage: Stage,
    stubber: Stubber,
    base: catalog.BaseModel,
    accepted: bool,
    gated: bool,
    failed: set[str],
) -> None:
    recipes = [{"CustomizationTechnique": "SFT"}, {"CustomizationTechnique": "DPO"}]
    stubber.add_response("describe_hub_content", hub_answer(RecipeCollection=recipes, GatedBucket=gated))
    stubber.add_client_error("describe_model_package_group", "ValidationException", "g does not exist.")

    found = [*checks.every(aws, stage, run(accept_eula=accepted), builders.dataset(), base)]

    assert {one.name for one in found if not one.passed} == failed


def test_what_cannot_be_trained_or_imported_is_found_before_anything_is_paid(
    aws: Aws, stage: Stage, stubber: Stubber
) -> None:
    stubber.add_response(
        "describe_hub_content", hub_answer(RecipeCollection=[{"CustomizationTechnique": "DPO"}])
    )
    stubber.add_client_error("describe_model_package_group", "ValidationException", "g does not exist.")
    strange = msgspec.structs.replace(BASE, architecture="Qwen3_5ForCausalLM")
    bare = msgspec.structs.replace(stage, training_role_arns={})

    found = [*checks.every(aws, bare, run(), builders.dataset(), strange)]

    assert {one.name for one in found if not one.passed} == {"roles", "architecture", "hub"}


def test_a_base_model_that_has_left_the_hub_is_said_to_have(aws: Aws, stage: Stage, stubber: Stubber) -> None:
    stubber.add_client_error("describe_hub_content", "ResourceNotFound", "no such content")
    stubber.add_client_error("describe_model_package_group", "ValidationException", "g does not exist.")

    found = [*checks.every(aws, stage, run(), builders.dataset(), BASE)]

    assert [one.detail for one in found if not one.passed] == [
        "Qwen3 32B is not in SageMaker's public hub in us-west-2 (any more)"
    ]


def test_the_base_of_a_package_is_in_its_arn(stage: Stage) -> None:
    assert ENGINE.base_of(stage, PACKAGE) is BASE
    assert ENGINE.base_of(stage, PACKAGE.replace(BASE.short_name, "other")) is None
    assert public_hub.arn("us-east-1", LLAMA).endswith("/Model/meta-textgeneration-llama-3-1-8b-instruct")


def test_a_package_goes_with_all_versions_of_its_weights_and_its_empty_group() -> None:
    """The order: what is interrupted is found again by the package."""
    calls: list[str] = []

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(**_: Any) -> Any:
                calls.append(name)
                return {
                    "describe_model_package": {
                        "ModelPackageGroupName": "tunedrop-test-qwen3-32b",
                        "InferenceSpecification": {"Containers": [{"ModelDataUrl": PREFIX}]},
                    },
                    "list_model_packages": {"ModelPackageSummaryList": []},
                }.get(name, {})

            return call

        def get_paginator(self, name: str) -> Any:
            versions = [{"Key": "w", "VersionId": "1"}, {"Key": "w", "VersionId": "2"}]

            class Pages:
                def paginate(self, **_: Any) -> Iterator[Any]:
                    calls.append(name)
                    yield {"Versions": versions}

            return Pages()

    client = Client()
    found = Aws()
    found.sagemaker = found.s3 = client

    assert ENGINE.delete_model(found, PACKAGE)
    assert calls == [
        "describe_model_package", "list_object_versions", "delete_objects", "delete_model_package",
        "list_model_packages", "delete_model_package_group",
    ]  # fmt: skip


def test_what_is_not_there_is_told_by_its_message() -> None:
    class Gone:
        def describe_training_job(self, **_: Any) -> Any:
            raise refusal("ValidationException", "Requested resource not found.")

    found = Aws()
    found.sagemaker = Gone()

    assert ENGINE.describe(found, JOB) is None

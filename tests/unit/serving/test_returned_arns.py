"""The ARN of a SageMaker model package returns: versions count from 1 in a group that is created again."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tests.unit.training.test_sagemaker_serverless import PACKAGE, PREFIX, described
from tunedrop.aws import Aws
from tunedrop.cli.deployed import Deployed
from tunedrop.cli.failures import Failed
from tunedrop.cli.output import Format
from tunedrop.cli.production import _moving
from tunedrop.contracts import Failure
from tunedrop.errors import CustomizationFailed
from tunedrop.registration.resuming import resume
from tunedrop.registry import Record, Registry
from tunedrop.registry.aliases import InProduction
from tunedrop.serving import revive
from tunedrop.serving.removal import Removal
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome

MINE = builders.run()
OUTPUT = {"OutputDataConfig": {"S3OutputPath": f"s3://artifacts/runs/{MINE.run_id}/training/"}}


def package(where: str) -> dict[str, Any]:
    container = {"ModelDataSource": {"S3DataSource": {"S3Uri": where}}}
    return {"ModelPackageStatus": "Completed", "InferenceSpecification": {"Containers": [container]}}


ANOTHERS = package(PREFIX.replace(MINE.run_id, "claims-9876543210"))


@pytest.fixture
def sagemaker(aws: Aws, registry: Registry) -> FakeBedrock:
    """The run's model was deleted, and another run's has its ARN now."""
    registry.register(MINE)
    registry.save(MINE.run_id, job=builders.job(model_arn=PACKAGE), dataset=builders.dataset())
    registry.end(MINE.run_id, "failed", Failure(error="AwsRefused", cause="denied"))
    aws.sagemaker = FakeBedrock(describe_model_package=ANOTHERS, describe_training_job=described(**OUTPUT))
    return aws.sagemaker


def record(registry: Registry) -> Record:
    found = registry.get(MINE.run_id)
    assert found is not None
    return found


@pytest.mark.usefixtures("sagemaker")
@pytest.mark.parametrize("by_tunedrop", [True, False])
def test_a_retry_does_not_go_on_with_anothers_model(aws: Aws, registry: Registry, by_tunedrop: bool) -> None:
    if by_tunedrop:
        registry.note_gone(MINE.run_id, PACKAGE)

    found = resume(aws, registry, record(registry), "arn:again", "1", "")

    assert found.failure is not None
    assert (found.outcome, found.failure.error) == ("refused", "ModelDeleted")


@pytest.mark.usefixtures("sagemaker")
def test_a_retry_goes_on_with_its_own(aws: Aws, registry: Registry) -> None:
    aws.sagemaker = FakeBedrock(describe_model_package=package(PREFIX))

    assert resume(aws, registry, record(registry), "arn:again", "1", "").outcome == "resumed"


@pytest.mark.usefixtures("sagemaker")
def test_nothing_is_tuned_on_it_by_the_name_of_a_run_whose_model_was_deleted(registry: Registry) -> None:
    older = builders.run(run_id="persona-1111111111", created_at="2026-01-01T00:00:00Z")
    registry.register(older)
    registry.save(older.run_id, job=builders.job(model_arn=f"{PACKAGE}1"))
    registry.note_gone(MINE.run_id, PACKAGE)

    assert registry.latest_model(MINE.run_id) is None
    assert registry.latest_model(MINE.name) == f"{PACKAGE}1"


@pytest.mark.usefixtures("sagemaker")
def test_a_training_phase_whose_model_was_deleted_has_no_result(aws: Aws) -> None:
    engine = engines.named("sagemaker-serverless")
    with pytest.raises(CustomizationFailed, match="was deleted"):
        outcome(engine, aws, "job")

    aws.sagemaker = FakeBedrock(
        describe_training_job=described(**OUTPUT),
        describe_model_package=refusal("ValidationException", "ModelPackage does not exist."),
    )
    with pytest.raises(CustomizationFailed, match="was deleted"):
        outcome(engine, aws, "job")


def test_a_run_deletes_its_own_models_only(
    aws: Aws, stage: Stage, registry: Registry, sagemaker: FakeBedrock
) -> None:
    assert not Removal(aws, stage).remove(PACKAGE, MINE.run_id)

    assert sagemaker.called("delete_model_package") == []
    assert record(registry).gone == {PACKAGE}


@pytest.mark.usefixtures("sagemaker")
def test_a_rollback_does_not_serve_anothers_model(aws: Aws, stage: Stage) -> None:
    earlier = InProduction(
        name=MINE.name, run_id=MINE.run_id, model_id="", model_arn=PACKAGE, since="2026-11-01T00:00:00Z"
    )

    with pytest.raises(LookupError, match="was deleted; train it again"):
        revive.create(aws, stage, earlier)


@pytest.mark.usefixtures("sagemaker")
def test_a_deleted_model_is_not_promoted_by_hand(registry: Registry) -> None:
    registry.note_gone(MINE.run_id, PACKAGE)
    here = Deployed("test", None, "us-east-1")

    with pytest.raises(Failed, match="it was deleted"):
        _moving.promote(here, record(registry), stable_arn=False, serve=False, yes=True, format_=Format.json)

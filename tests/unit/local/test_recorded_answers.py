"""The local Bedrock against answers that AWS gave: shape and the values that we read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local import ministack
from local.bedrock import job_events
from local.bedrock import jobs as local_jobs
from local.bedrock.brain import Brain, base_brain
from local.bedrock.models import Models, foundation_entry
from local.bedrock.shapes import problems
from local.bedrock.wire import service_model
from local.bedrock.world import Tuned, World, foundation_arn, ids_of
from local.faults import Faults
from tests.recorded import recorded
from tunedrop import catalog
from tunedrop.catalog.model import BaseModel

LITE = catalog.load()["amazon.nova-lite-v1:0:300k"]
ACCOUNT, REGION = "111122223333", "us-east-1"


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ministack, "region", lambda: REGION)
    monkeypatch.setattr(ministack, "account", lambda: ACCOUNT)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    world = World(Faults(tmp_path / "faults.json"), 3600, "")
    ids = "amazon.nova-lite-v1:0:300k/abcdefghij12"
    arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/{ids}"
    job = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/{ids}"
    brain: Brain = base_brain(False, well_read=False)
    world.models[arn] = Tuned(arn, "model2", job, LITE, "FINE_TUNING", datetime.now(UTC), brain)
    data = {"s3Uri": "s3://example/training.jsonl"}
    world.jobs[job] = {
        "trainingDataConfig": data, "outputDataConfig": data, "hyperParameters": {"epochCount": "2"},
        "baseModelArn": foundation_arn(LITE),
    }  # fmt: skip
    return Models(world)


def pairs() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each customizable entry of the account's list with its plain twin."""
    listed = {one["modelId"]: one for one in recorded("list-foundation-models")["modelSummaries"]}
    for id_, one in listed.items():
        plain = listed.get(id_.rpartition(":")[0]) or listed.get(id_.rpartition(":")[0].rpartition(":")[0])
        if one["customizationsSupported"] and plain:
            yield one, plain


def test_an_id_with_a_context_length_lists_what_its_plain_twin_does_not() -> None:
    ours = foundation_entry(LITE, LITE.id), foundation_entry(LITE, LITE.lifecycle_id)

    assert list(pairs())
    for theirs in pairs():
        for field in ("customizationsSupported", "inferenceTypesSupported"):
            for our, their in zip(ours, theirs, strict=True):
                assert bool(our[field]) == bool(their[field]) or not their["inferenceTypesSupported"]
    assert ours[0]["inferenceTypesSupported"] == ["PROVISIONED"]
    assert ours[1]["inferenceTypesSupported"] == ["ON_DEMAND"]


def test_models_are_listed_under_both_their_ids(models: Models) -> None:
    listed = {one["modelId"] for one in models.list_foundation({})["modelSummaries"]}
    tuned = models.list_foundation({"byCustomizationType": "FINE_TUNING"})["modelSummaries"]

    assert {LITE.id, LITE.lifecycle_id} <= listed
    assert LITE.lifecycle_id not in {one["modelId"] for one in tuned}


def test_a_base_models_entry_has_no_field_that_aws_does_not_give() -> None:
    theirs = {field for one in recorded("list-foundation-models")["modelSummaries"] for field in one}

    assert set(foundation_entry(LITE, LITE.id)) <= theirs


@pytest.mark.parametrize("model", catalog.load().values(), ids=lambda model: model.id)
def test_every_entry_is_one_that_the_service_model_knows(model: BaseModel) -> None:
    """Its list of customizations has no word for reinforcement (botocore, ModelCustomization)."""
    shape = service_model("bedrock").operation_model("ListFoundationModels").output_shape
    entries = [foundation_entry(model, id_) for id_ in ids_of(model)]

    assert list(problems(shape, {"modelSummaries": entries})) == []


def test_a_custom_model_has_the_arns_of_the_recorded_ones(models: Models) -> None:
    their = recorded("get-custom-model")
    ours = models.get({"modelIdentifier": "model2"})

    for field in ("modelArn", "jobArn", "baseModelArn"):
        base = their["baseModelArn"].rpartition("/")[2]
        assert shape(ours[field], LITE.id) == shape(their[field], base), field
    assert ours.keys() - their.keys() <= {"customizationType", "modelStatus"}  # younger than the recording


def test_a_listed_custom_model_has_the_fields_of_the_recorded_ones(models: Models) -> None:
    (their,) = recorded("list-custom-models")["modelSummaries"]
    (our,) = models.list({})["modelSummaries"]

    assert their.keys() <= our.keys()
    shape = service_model("bedrock").operation_model("ListCustomModels").output_shape
    assert list(problems(shape, {"modelSummaries": [our]})) == []  # its base has a name without spaces


def shape(arn: str, base: str) -> str:
    """An ARN without what differs between two accounts and two models."""
    parts = arn.replace(base, "BASE").split("/")
    return "/".join([*parts[:2], *("ID" for _ in parts[2:])])


def test_a_jobs_event_has_the_fields_and_the_arn_of_the_documented_one() -> None:
    their = recorded("customization-job-event")
    moment = datetime.now(UTC)
    job = {
        "jobName": "abcd", "jobArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/{LITE.id}/"
        "abcdefghwxyz", "outputModelName": "m", "outputModelArn": "arn:x", "roleArn": "arn:y",
        "status": "Failed", "failureMessage": "no", "creationTime": moment, "lastModifiedTime": moment,
        "endTime": moment, "baseModelArn": foundation_arn(LITE), "hyperParameters": {"epochCount": "1"},
        "trainingDataConfig": {"s3Uri": "s3://b/k"}, "outputDataConfig": {"s3Uri": "s3://b/k"},
        "validationDataConfig": {"validators": [{"s3Uri": "s3://b/v"}]},
    }  # fmt: skip

    detail = job_events.detail(job)

    assert detail.keys() == their["detail"].keys()
    assert detail["jobArn"] == their["detail"]["jobArn"] == their["resources"][0]
    assert isinstance(detail["validationDataConfig"], type(their["detail"]["validationDataConfig"]))


@pytest.mark.parametrize("further", [False, True])
def test_a_job_is_described_as_the_service_model_asks(models: Models, further: bool) -> None:
    """Validators are required, though a job may have none; the base of a model that is tuned further is its
    foundation model, since the answer's pattern has no other ARN (botocore)."""
    world = models._world
    (tuned,) = world.models.values()
    arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/{LITE.id}/abcdefghwxyz"
    request = {
        "jobName": "further", "customModelName": "further", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/bedrock",
        "baseModelIdentifier": tuned.arn if further else LITE.id,
        "trainingDataConfig": {"s3Uri": "s3://bucket/k"}, "outputDataConfig": {"s3Uri": "s3://bucket/o"},
        "hyperParameters": {"epochCount": "1"},
    }  # fmt: skip
    jobs = local_jobs.Jobs(world)
    world.jobs = {arn: jobs._new(arn, request, LITE, tuned if further else None)}

    answer = jobs.get({"jobIdentifier": arn})

    shape = service_model("bedrock").operation_model("GetModelCustomizationJob").output_shape
    assert list(problems(shape, answer)) == []

"""Tenants of one bucket: a manifest names data only where its uploader's prefix may read."""

from __future__ import annotations

import pytest

from tests import builders
from tests.unit.registration.test_hostile_uploads import Uploads
from tunedrop.contracts import Registration, S3Object
from tunedrop.registration import register as registration
from tunedrop.registration.register import ObjectCreated

STAGE = builders.stage(
    tenants={"support": ("s3://company-data/support/",), "law": ()}, data_buckets=("company-data",)
)


def register(key: str, train: str = "train.jsonl", stage: object = STAGE) -> Registration:
    event = ObjectCreated(
        source=S3Object(bucket="intake", key=key, version_id="v1"), requester="", time="2026-11-23T10:00:00Z"
    )
    s3 = Uploads(f"data: {{train: {train}}}\n".encode())
    return registration.register(s3, stage, event, "arn:execution")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "train",
    ["train.jsonl", "s3://intake/drop/support/a.jsonl", "s3://intake/runs/support/b/c.jsonl",
     "s3://company-data/support/2026/a.jsonl"],
)  # fmt: skip
def test_a_tenant_names_its_own_data_and_what_it_may_read(train: str) -> None:
    assert register("runs/support/bot/run.yaml", train).outcome == "registered"


@pytest.mark.parametrize(
    "train",
    ["s3://intake/drop/law/a.jsonl", "s3://intake/runs/law/train.jsonl", "s3://intake/drop/a.jsonl",
     "s3://intake/drop/supportive/a.jsonl", "s3://company-data/law/a.jsonl",
     "s3://company-data/supportive.jsonl"],
)  # fmt: skip
def test_the_data_of_another_tenant_is_refused(train: str) -> None:
    found = register("runs/support/bot/run.yaml", train)

    assert found.failure is not None
    assert "support may not read" in found.failure.cause


@pytest.mark.parametrize("key", ["drop/a.jsonl", "runs/bot/run.yaml", "runs/nobody/bot/run.yaml"])
def test_an_upload_outside_every_tenants_prefix_is_refused(key: str) -> None:
    found = register(key)

    assert found.failure is not None
    assert "is in no tenant's prefix" in found.failure.cause


def test_without_tenants_the_bucket_is_shared() -> None:
    found = register("runs/bot/run.yaml", "s3://intake/drop/a.jsonl", builders.stage())

    assert found.outcome == "registered"


def test_a_tenant_goes_on_with_its_own_models_alone() -> None:
    found = register("runs/support/bot/run.yaml", "train.jsonl}\nfrom: law/bot\n# {")

    assert found.failure is not None
    assert "support may not go on with law/bot" in found.failure.cause

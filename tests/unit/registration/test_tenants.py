"""Tenants of one bucket: a manifest names data only where its uploader's prefix may read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import builders
from tests.unit.registration.test_hostile_uploads import Uploads
from tunedrop import registration
from tunedrop.contracts import Registration, S3Object
from tunedrop.registration import ObjectCreated

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
    found = register("runs/support/bot/run.yaml", train)

    assert found.outcome == "registered"
    assert found.run is not None
    assert found.run.tenant == "support"


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
    assert "support may not continue from law/bot" in found.failure.cause


@pytest.mark.parametrize(
    "kind", ["custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12", "imported-model/abcdefghij12"]
)
def test_a_tenant_names_no_model_by_an_arn_that_does_not_say_whose_it_is(kind: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:111122223333:{kind}"
    found = register("runs/support/bot/run.yaml", f"train.jsonl}}\nbase_model: {arn}\n# {{")

    assert found.failure is not None
    assert "name a run of support/ by from" in found.failure.cause


class Listed(Uploads):
    """The intake bucket, with a data file in every folder of `drop/`."""

    KEYS = ("drop/a.jsonl", "drop/law/secret.jsonl", "drop/law/deep/secret.jsonl", "drop/support/a.jsonl",
            "drop/support/deep/b.jsonl", "drop/support/deep/er/c.jsonl", "drop/support/deeper/d.jsonl",
            "drop/supportive/deep/e.jsonl", "drop/deep/f.jsonl", "drop/support.jsonl")  # fmt: skip

    def get_paginator(self, _: str) -> Listed:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, object]]:  # noqa: N803
        return [{"Contents": [{"Key": key, "Size": 9} for key in self.KEYS if key.startswith(Prefix)]}]


@pytest.mark.parametrize("starts", ["deep/_SUCCESS", "deep/b.jsonl", "deep/er/c.jsonl"])
@pytest.mark.parametrize("tenant", ["support", "law"])
def test_the_folders_of_tenants_never_become_one_dataset(tenant: str, starts: str) -> None:
    reason = "" if starts.endswith("_SUCCESS") else "nothing more came"
    event = ObjectCreated(
        source=S3Object(bucket="intake", key=f"drop/{tenant}/{starts}", version_id="v1"),
        requester="", time="2026-11-23T10:00:00Z", reason=reason,
    )  # fmt: skip

    found = registration.register(Listed(), STAGE, event, "arn:execution")

    assert found.run is not None
    files = [
        one
        for part in (found.run.train, found.run.validation, found.run.test)
        if part
        for one in (part, *part.more)
    ]
    assert found.run.name == f"{tenant}/deep"
    assert {one.key for one in files} == {
        key for key in Listed.KEYS if key.startswith(f"drop/{tenant}/deep/")
    }


@pytest.mark.parametrize(
    "key", ["drop/support/_SUCCESS", "drop/support/README.md", "drop/support/deep/b.jsonl"]
)
def test_what_is_no_dataset_alone_starts_nothing_of_a_tenant(key: str) -> None:
    assert register(key).outcome == "ignored"


@given(st.text(max_size=30), st.sampled_from(["drop", "runs"]))
@example("law/../support/x.jsonl", "drop")
@example("./support/x.jsonl", "drop")
@example("support\\x.jsonl", "drop")
@example("support/x.jsonl", "drop")
@example("support/ .jsonl", "drop")
@example("support/deep/_SUCCESS", "drop")
@example("SUPPORT/x.jsonl", "drop")
@example("support /bot/run.yaml", "runs")
@example("/support/bot/run.yaml", "runs")
def test_no_key_reads_or_names_anything_of_another_tenant(below: str, root: str) -> None:
    key = f"{root}/{below}"
    found = registration.register(
        Listed(b"data: {train: train.jsonl}\n"), STAGE,
        ObjectCreated(source=S3Object(bucket="intake", key=key), requester="", time="2026-11-23T10:00:00Z"),
        "arn:execution",
    )  # fmt: skip

    if found.outcome == "registered":
        assert found.run is not None
        tenant = next(one for one in STAGE.tenants if key.startswith(f"{root}/{one}/"))
        assert found.run.train.key.startswith((f"drop/{tenant}/", f"runs/{tenant}/"))
        assert found.run.tenant == tenant
        assert found.run.name.startswith(f"{tenant}/") or (root, found.run.name) == ("runs", tenant)

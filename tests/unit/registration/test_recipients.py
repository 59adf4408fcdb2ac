"""Whom a run is told to: what a manifest names, of what the stage knows."""

from __future__ import annotations

import pytest

from tests import builders
from tests.unit.registration.test_hostile_uploads import Uploads
from tunedrop import registration
from tunedrop.contracts import Registration, S3Object
from tunedrop.registration import ObjectCreated, _recipients

STAGE = builders.stage(notify={"support": ("ana@example.com", "bo@example.com"), "law": ("li@example.com",)})


def register(notify: str, *, stage: object = STAGE, key: str = "runs/bot/run.yaml") -> Registration:
    event = ObjectCreated(
        source=S3Object(bucket="intake", key=key, version_id="v1"), requester="", time="2026-11-23T10:00:00Z"
    )
    manifest = f"data: {{train: train.jsonl}}\n{notify}\n"
    return registration.register(Uploads(manifest.encode()), stage, event, "arn:execution")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("", ()),
        ("notify: support", ("support",)),
        ("notify: ana@example.com", ("ana@example.com",)),
        ("notify: [law, ana@example.com, law]", ("law", "ana@example.com")),
    ],
)
def test_groups_and_addresses_of_the_stage_are_told(notify: str, told: tuple[str, ...]) -> None:
    found = register(notify)

    assert found.run is not None
    assert (found.outcome, found.run.notify) == ("registered", told)


@pytest.mark.parametrize(
    ("notify", "stage", "said"),
    [
        ("notify: suport", STAGE, "did you mean support?"),
        ("notify: someone@elsewhere.example", STAGE, "It has ana@example.com, bo@example.com, law"),
        ("notify: support", builders.stage(), "has none for this upload"),
    ],
)
def test_nobody_else_can_be_named(notify: str, stage: object, said: str) -> None:
    found = register(notify, stage=stage)

    assert found.failure is not None
    assert said in found.failure.cause


def test_who_is_told_makes_no_other_run() -> None:
    runs = {found.run.run_id for found in (register("notify: law"), register("")) if found.run is not None}

    assert len(runs) == 1


def test_the_group_of_a_tenant_hears_of_all_its_runs_also_of_those_that_are_refused() -> None:
    stage = builders.stage(tenants={"law": (), "support": ()}, notify=STAGE.notify)

    good = register("notify: li@example.com", stage=stage, key="runs/law/bot/run.yaml")
    bad = register("notify: nobody", stage=stage, key="runs/law/bot/run.yaml")

    assert good.run is not None
    assert bad.run is not None
    assert (good.outcome, good.run.notify) == ("registered", ("law", "li@example.com"))
    assert (bad.outcome, bad.run.notify) == ("refused", ("law",))


@pytest.mark.parametrize("notify", ["notify: support", "notify: ana@example.com"])
def test_a_tenant_neither_names_nor_learns_the_addresses_of_another(notify: str) -> None:
    stage = builders.stage(tenants={"law": (), "support": ()}, notify=STAGE.notify)

    found = register(notify, stage=stage, key="runs/law/bot/run.yaml")

    assert found.failure is not None
    assert "li@example.com" in found.failure.cause
    assert "bo@example.com" not in found.failure.cause


@pytest.mark.parametrize(("tenant", "told"), [("law", ("law",)), ("sales", ()), ("", ()), (None, ())])
def test_a_tenant_is_told_by_the_group_of_its_name(tenant: str | None, told: tuple[str, ...]) -> None:
    assert _recipients.of_tenant(STAGE, tenant) == told

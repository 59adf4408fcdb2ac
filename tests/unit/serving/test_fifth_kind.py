"""Whoever adds a kind of serving adds one module, and its name to base models of the catalog: a fifth one.

Nothing else knows of it; it is chosen, held against its quota, created, listed, swept and torn down as every
other, in stages with an engine whose models it serves.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import DeploymentSettings
from tunedrop.doctor import _quotas as doctors_quotas
from tunedrop.preflight import _quotas
from tunedrop.registry import Registry
from tunedrop.registry.troubles import Troubles
from tunedrop.results.teardown import Teardown
from tunedrop.serving import choose, inventory, kinds, throughput
from tunedrop.serving.sweep import Sweeper, in_service
from tunedrop.stage import Stage

RUN = "persona-0123456789"
NOVA = catalog.find(builders.NOVA_LITE)
BASE = msgspec.structs.replace(
    NOVA,
    id="amazon.fifth-1b",
    family="fifth",
    serving=msgspec.structs.replace(NOVA.serving, ways=("fifth",)),
)
MODULE = """
from tunedrop.aws.quotas import Shortage, Use
from tunedrop.serving.kind import Behind, Listing, Served, ServingKind


class Fifth(ServingKind):
    way = title = "fifth"
    arns = (":fifth/",)
    listings = (Listing("fifth", "list_fifths", "fifths", "arn", "name", "at", model_arn="model"),)
    terms = "served by the fifth kind"
    billed_by = "hour"
    quota_hint = "Ask for more."

    def create(self, bedrock, wanted):
        return bedrock.create_fifth(name=wanted.name, model=wanted.model_arn, tags=wanted.tags)["arn"]

    def describe(self, bedrock, arn):
        return Served("InService", "", arn)

    def find(self, bedrock, name):
        return ""

    def delete(self, bedrock, arn):
        bedrock.delete_fifth(arn=arn)

    def behind(self, bedrock, arn):
        return Behind("", "")

    def shortages(self, bedrock, quotas, demand):
        if "L-5" in quotas:
            yield Shortage(quotas["L-5"], 5, 5 + demand.count, ", all of them by the fifth kind")

    def uses(self, bedrock, quotas, base_models):
        yield Use(code="L-5", counts="fifths", used=5, needed=6)

    def listed_hourly_usd(self, model_arn, facts):
        return 5.0 * facts["size"]


KIND = Fifth()
"""
ARN = "arn:aws:bedrock:us-east-1:111122223333:fifth/a"
QUOTA = {"QuotaCode": "L-5", "QuotaName": "Fifths", "Value": 5, "Adjustable": True}
TAGS = {"tunedrop:stage": "test", "tunedrop:run": RUN, "tunedrop:expires": "2026-11-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def fifth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module beside the others."""
    (tmp_path / "fifth.py").write_text(MODULE)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    monkeypatch.setitem(catalog.load(), "amazon.fifth-1b", BASE)
    kinds.every.cache_clear()
    yield importlib.import_module(f"{kinds.__name__}.fifth")
    kinds.every.cache_clear()
    sys.modules.pop(f"{kinds.__name__}.fifth", None)


def bedrock(serving: int = 1) -> FakeBedrock:
    """One of it in service, until it is deleted."""
    one = {"arn": ARN, "name": "a", "at": datetime(2026, 11, 1, tzinfo=UTC), "model": "m", "size": 2}
    others: dict[str, Any] = {
        "list_custom_model_deployments": {"modelDeploymentSummaries": []},
        "list_provisioned_model_throughputs": {"provisionedModelSummaries": []},
        "list_model_customization_jobs": {"modelCustomizationJobSummaries": []},
        "list_evaluation_jobs": {"jobSummaries": []},
        "list_custom_models": {"modelSummaries": []},
    }
    return FakeBedrock(
        **others,
        list_fifths=[{"fifths": [one]}] * serving + [{"fifths": []}],
        list_tags_for_resource={"tags": [{"key": key, "value": value} for key, value in TAGS.items()]},
        create_fifth={"arn": ARN},
        delete_fifth={},
    )


def test_it_is_chosen_and_created_as_every_other(stage: Stage) -> None:
    way = choose.way(BASE, DeploymentSettings())
    serving = throughput.create(bedrock(), stage, RUN, "a", builders.MODEL_ARN, DeploymentSettings(), way)

    assert (serving.way, serving.arn) == ("fifth", ARN)
    assert throughput.outcome(bedrock(), serving) is not None
    assert kinds.of_arn(ARN) is kinds.of("fifth")


def test_its_quota_is_held_against_what_a_run_needs(aws: Aws, stage: Stage) -> None:
    aws.bedrock, answer = bedrock(), {"Quotas": [QUOTA]}
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)

    found = _quotas.check(aws, stage, builders.run(), builders.dataset(), BASE, 1)

    assert not found.passed
    assert "Fifths (L-5) is 5, 5 used, all of them by the fifth kind" in found.detail
    assert "--quota-code L-5 --desired-value 6" in found.hint


def test_doctor_looks_at_its_quota(aws: Aws) -> None:
    aws.bedrock, answer = bedrock(), {"Quotas": [QUOTA]}
    aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=answer, list_service_quotas=answer)

    found = {one.name: one for one in doctors_quotas.check(aws, [BASE], 1)}

    assert (found["fifths"].state, found["fifths"].detail) == ("bad", "5 in total, 5 used; 6 needed")
    assert "--quota-code L-5 --desired-value 6" in found["fifths"].hint


def test_what_it_serves_is_listed_with_its_price_and_released_once_it_has_expired(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    registry.register(builders.run())
    aws.bedrock = bedrock(2)

    (serving,) = in_service(aws, stage)
    swept, late = Sweeper(aws, stage, Troubles(aws.dynamodb, stage.registry_table)).sweep()

    assert (serving.way, serving.hourly_usd, serving.bills_while_idle) == ("fifth", 10.0, True)
    assert (swept.released, late) == ((ARN,), 1)
    assert aws.bedrock.called("delete_fifth") == [{"arn": ARN}]


@pytest.mark.usefixtures("registry")
def test_a_teardown_ends_it(aws: Aws, stage: Stage) -> None:
    aws.bedrock = bedrock(2)

    done = Teardown(aws, stage, None, lambda *_: None, lambda _: None).run()

    assert (done.released, done.remaining) == ([ARN], {})
    assert "fifth" in inventory.serving()


def test_only_a_stage_whose_engines_need_it_may_use_it() -> None:
    ways = {
        engine: {kind.way for kind in kinds.used_by((engine,))}
        for engine in ("bedrock", "sagemaker-serverless", "sagemaker-jumpstart", "mantle", "none")
    }

    own = {"on-demand", "provisioned"}
    assert ways == {
        "bedrock": {*own, "fifth"},
        "sagemaker-serverless": {*own, "imported"},
        "sagemaker-jumpstart": {*own, "imported"},
        "mantle": {*own, "mantle"},
        "none": own,
    }

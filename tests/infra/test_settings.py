from __future__ import annotations

from typing import Any

import pytest

from infra import settings
from infra.settings import SettingsError
from tests.infra.conftest import CONTEXT

STAGES = CONTEXT["stages"]


def changed(**changes: Any) -> dict[str, Any]:
    return {**STAGES, "dev": {**STAGES["dev"], **changes}}


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_every_stage_of_cdk_json_is_valid(stage: str) -> None:
    assert settings.read(STAGES, stage).name == stage


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(
        SettingsError, match=r"stages\.dev\.budgt_usd is not a setting; did you mean budget_usd\?"
    ):
        settings.read(changed(budgt_usd=5), "dev")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("budget_usd", "fifty"),
        ("budget_usd", 0),
        ("customization_quota", 1.5),
        ("removal", "delete"),
        ("log_retention", "a while"),
        ("account", "12345"),
        ("python_version", "3.11"),
        ("confidence", 1),
        ("rules", {"severity": {"TD001": "off"}}),
        ("rules", {"severity": {"TD999": "error"}}),
        ("rules", {"thresholds": {"duplicates": 2}}),
        ("notification_emails", ["team at example.com"]),
        ("notification_emails", ["a@b"]),
        ("kms_key", "alias/mine"),
        ("network", {"subnets": [], "security_groups": ["sg-0123456789abcdef0"]}),
        ("report_links", "http://reports.example.com"),
        ("report_link_hours", 24),
        ("tags", {"cost-centre": 4711}),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^cdk\.json: stages\.dev\.{key}[^:]*: "):
        settings.read(changed(**{key: value}), "dev")


def test_a_region_that_cannot_customize_the_default_base_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"region: amazon\.nova-lite\S+ is customized in us-east-1"):
        settings.read(changed(region="eu-central-1", default_base_model="amazon.nova-lite-v1:0:300k"), "dev")


def test_a_deployment_without_a_stage_says_which_there_are() -> None:
    with pytest.raises(SettingsError, match=r"say which stage: -c stage=NAME; cdk\.json has dev, prod"):
        settings.read(STAGES, None)
    assert "stage" not in CONTEXT


def test_a_missing_key_is_named() -> None:
    without = {key: value for key, value in STAGES["dev"].items() if key != "monthly_budget_usd"}

    with pytest.raises(SettingsError, match=r"stages\.dev.*monthly_budget_usd"):
        settings.read({"dev": without}, "dev")


def test_an_unknown_stage_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(SettingsError, match=r"no stage 'prd'; did you mean prod\?"):
        settings.read(STAGES, "prd")


def test_a_stage_name_too_long_for_bedrocks_names_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"stages\.averyveryverylongname\.name"):
        settings.read({"averyveryverylongname": STAGES["dev"]}, "averyveryverylongname")


def test_a_base_model_that_the_catalog_does_not_know_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"stages\.dev\.default_base_model: .*not in the catalog"):
        settings.read(changed(default_base_model="meta.llama9"), "dev")


def test_a_run_may_not_cost_more_than_the_month() -> None:
    with pytest.raises(SettingsError, match="budget_usd"):
        settings.read(changed(budget_usd=100, monthly_budget_usd=50), "dev")


@pytest.mark.parametrize("stages", [None, {}, "dev"])
def test_a_context_without_stages_is_refused(stages: object) -> None:
    with pytest.raises(SettingsError, match=r"context\.stages"):
        settings.read(stages, "dev")

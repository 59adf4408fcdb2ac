from __future__ import annotations

from typing import Any

import msgspec
import pytest

from infra import settings
from infra.settings import Settings, SettingsError, StageSettings
from tests.infra.conftest import CONTEXT
from tests.recorded import recorded

STAGES = CONTEXT["stages"]
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
GRADER = "arn:aws:lambda:us-east-1:111122223333:function:grade"


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
        ("max_open_runs", 1_001),
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
        ("tags", {"aws:owner": "ana"}),
        ("tags", {"owner": "ana;bo"}),
        ("tags", {f"tag {number}": "x" for number in range(49)}),
        ("intake_bucket", "s3://company-uploads"),
        ("artifacts_bucket", "Company_Results"),
        ("data_buckets", ["arn:aws:s3:::company-data"]),
        ("data_bucket_keys", ["alias/company-data"]),
        ("notification_emails", ['"ana smith"@example.com']),
        ("notify", {"law": ["ana\\smith@example.com"]}),
        ("tenant_budgets_usd", {"law": 0}),
        ("network", {**NETWORK, "endpoints": {"vpc": "vpc-1", "route_tables": ["rtb-0123456789abcdef0"]}}),
        ("network", {**NETWORK, "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": []}}),
        ("network", {**NETWORK, "endpoint": True}),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^cdk\.json: stages\.dev\.{key}[^:]*: "):
        settings.read(changed(**{key: value}), "dev")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"intake_bucket": "ours", "artifacts_bucket": "ours"}, "artifacts_bucket is intake_bucket"),
        ({"intake_bucket": "a..b"}, "intake_bucket: S3 has no bucket"),
        ({"intake_bucket": "10.0.0.1"}, "intake_bucket: S3 has no bucket"),
        ({"intake_bucket": "ours", "data_buckets": ["ours"]}, "data_buckets: ours is intake_bucket already"),
        ({"data_bucket_keys": [KEY]}, "data_bucket_keys are the keys of data_buckets"),
        ({"tenants": {"law": ["s3://lawyers/2026/"]}}, "tenants.law: lawyers is not in data_buckets"),
        ({"tenant_budgets_usd": {"lwa": 5}, "tenants": {"law": []}}, "did you mean law?"),
        ({"tenant_budgets_usd": {"law": 5000}, "tenants": {"law": []}}, "is more than monthly_budget_usd"),
        ({"region": "us-east-1", "kms_key": KEY.replace("east-1", "east-2")}, "in us-east-2, and the stage"),
        ({"account": "444455556666", "graders": [GRADER]}, "is in 111122223333, and the stage in 4444"),
        ({"region": "us-east-1", "engines": ["bedrock", "mantle"]}, "mantle tunes in us-west-2, and the"),
        ({"default_base_model": "qwen.qwen3-8b"}, "qwen.qwen3-8b is tuned by sagemaker-serverless"),
        ({"permissions_boundary": "arn:aws:iam::111122223333:policy/team"}, "is the name of a managed"),
        (
            {"judge": "anthropic.claude-sonnet-4-5"},
            "not an active model with known token prices",
        ),
        ({"judge": "amazon.nova-canvas-v1:0"}, "judge: amazon.nova-canvas-v1:0 is not an active model"),
        ({"judge": "meta.llama3-3-70b-instruct-v1:0"}, "is not an active model"),
        ({"judge": "qwen.qwen3-8b"}, "is not an active model"),
        ({"judge": "auto"}, "judge: auto is not an active model"),
        ({"tags": {"tunedrop:stage": "prod"}}, "is how the stage finds what is its own"),
        ({"tags": {"tunedrop:removal": "destroy"}}, "tags: tunedrop:removal is not for you to set"),
        ({"notify": {"all": [f"{n}@example.com" for n in range(200)]}}, "notify has 200 addresses, and SNS"),
        (
            {"notify": {f"g{n}": ["a@example.com"] for n in range(150)}},
            "notify: a@example.com is in 150 groups, and SNS filters for 149",
        ),
        ({"tags": {f"{n:02}": "v" * 82 for n in range(48)}}, "tags: their keys and values are 4,032 bytes"),
        ({"tags": {f"{n:02}": "ü" * 41 for n in range(48)}}, "tags: their keys and values are 4,032 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=r"^cdk\.json: stages\.dev\.") as refused:
        settings.read(changed(**changes), "dev")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"intake_bucket": "company-uploads", "artifacts_bucket": "company-results", "kms_key": KEY},
        {"tenants": {"law": ["s3://lawyers/2026/"]}, "data_buckets": ["lawyers"]},
        {"tenants": {"law": ["s3://uploads/old/"]}, "intake_bucket": "uploads"},
        {"permissions_boundary": "teams/ml/boundary"},
        {"judge": "amazon.nova-pro-v1:0"},
        {"judge": "us.amazon.nova-pro-v1:0"},
        {"tags": {"Kostenstelle für ML": "4711 / Köln", "owner": "ana@example.com"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settings_that_fit_together_are_read(changes: dict[str, Any]) -> None:
    assert settings.read(changed(region="us-east-1", **changes), "dev")


def test_a_region_that_cannot_customize_the_default_base_model_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"region: amazon\.nova-lite\S+ is customized in us-east-1"):
        settings.read(changed(region="eu-central-1", default_base_model="amazon.nova-lite-v1:0:300k"), "dev")


def test_a_deployment_without_a_stage_lists_the_stages() -> None:
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


@pytest.mark.parametrize(
    ("account", "is_refused"), [(None, True), ("111122223333", True), ("444455556666", False)]
)
def test_two_stages_of_an_account_cannot_have_one_channel(account: str | None, is_refused: bool) -> None:
    """ "Slack channel … has already been configured for AWS account" (terraform-provider-awscc, 1011)."""
    slack = {"workspace": "T0123456789", "channel": "C0123456789"}
    both = {
        "dev": {**STAGES["dev"], "slack": slack, "account": "111122223333"},
        "prod": {**STAGES["prod"], "slack": dict(slack), "account": account},
    }

    if is_refused:
        with pytest.raises(SettingsError, match=r"prod\.slack: stage dev has this channel"):
            settings.read(both, "prod")
    else:
        assert settings.read(both, "prod").slack is not None


def test_a_run_may_not_cost_more_than_the_month() -> None:
    with pytest.raises(SettingsError, match="budget_usd"):
        settings.read(changed(budget_usd=100, monthly_budget_usd=50), "dev")


@pytest.mark.parametrize("stages", [None, {}, "dev"])
def test_a_context_without_stages_is_refused(stages: object) -> None:
    with pytest.raises(SettingsError, match=r"context\.stages"):
        settings.read(stages, "dev")


def test_a_stage_may_use_all_jobs_that_bedrock_runs_at_once() -> None:
    """The published quota (L-0406044C); it cannot be raised, so that no stage may say more."""
    quotas = {one["QuotaCode"]: one for one in recorded("service-quotas")["Quotas"]}
    most = quotas["L-0406044C"]["Value"]

    usual = Settings(name="x", default_base_model="y", budget_usd=1, monthly_budget_usd=1)
    assert usual.customization_quota == most
    with pytest.raises(SettingsError, match=r"customization_quota: expected a whole number of at most 10"):
        settings.read(changed(customization_quota=most + 1), "dev")


def test_a_setting_with_a_pattern_describes_what_is_expected() -> None:
    def described(node: Any) -> list[str]:
        if isinstance(node, list):
            return [one for part in node for one in described(part)]
        if not isinstance(node, dict):
            return []
        missing = [node["pattern"]] if "pattern" in node and "description" not in node else []
        return missing + [one for part in node.values() for one in described(part)]

    assert described(msgspec.json.schema(StageSettings)) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"notification_emails": ["ana"]}, r"notification_emails\[0\]: expected an e-mail address such as"),
        ({"kms_key": "alias/team"}, "kms_key: expected the ARN of a key, not of an alias"),
        ({"account": 111122223333}, "account: expected a string or null, got a whole number"),
        ({"removal": "keep"}, "removal: keep is unknown; it takes retain, destroy"),
        ({"sweep_minutes": 90}, "sweep_minutes: expected a whole number of at most 60"),
        ({"network": {"subnets": [], "security_groups": []}}, "expected a list with at least 1 in it"),
        ({"tenant_budgets_usd": {"law": 5}}, "law is not in tenants; known are none"),
    ],
)
def test_a_wrong_value_is_refused_in_words(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings.read(changed(**wrong), "dev")

"""A stage can be created, destroyed and created again, in several Regions of one account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.settings import SettingsError
from infra.settings.stage import MOST_TAGS
from tests.infra.conftest import ACCOUNT, REGION, Resources, synthesize
from tests.infra.test_cfn_lint import NETWORK
from tunedrop import naming

HOLDS_DATA = {"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key"}

OF_AN_ACCOUNT = {
    "AWS::Budgets::Budget": ("Budget", "BudgetName"),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
}
"""Types whose names all Regions of an account share (CloudFormation and service guides), and their name."""


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return synthesize(tmp_path_factory.mktemp("prod"), "prod")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """In the other Region, with what can be tuned there."""
    return synthesize(
        tmp_path_factory.mktemp("elsewhere"),
        "prod",
        region="us-west-2",
        engines=["bedrock", "sagemaker-serverless", "sagemaker-jumpstart"],
        default_base_model="qwen.qwen3-32b",
    )


def fixed_names(resource: dict[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    return {name: value for name, value in properties.items() if name == "Name" or name.endswith("Name")}


def test_nothing_that_outlives_the_stack_has_a_fixed_name(prod: dict[str, Any]) -> None:
    """A name that is taken refuses the next deployment, after a destroy or a first one that failed."""
    kept = {id_: one for id_, one in prod["Resources"].items() if one.get("DeletionPolicy") == "Retain"}

    assert {one["Type"] for one in kept.values()} == HOLDS_DATA
    assert {id_: names for id_, one in kept.items() if (names := fixed_names(one))} == {}


def test_every_bucket_that_goes_with_its_stack_is_emptied_first(resources: Resources) -> None:
    """CloudFormation deletes no bucket that has objects or versions."""
    deleted = {
        id_
        for id_, one in resources.template["Resources"].items()
        if one["Type"] == "AWS::S3::Bucket" and one["DeletionPolicy"] == "Delete"
    }
    emptied = {one["BucketName"]["Ref"] for one in resources.of("Custom::EmptiedBucket").values()}

    assert len(deleted) == 3
    assert emptied == deleted


def test_a_stage_that_is_kept_has_nothing_that_deletes_objects(prod: dict[str, Any]) -> None:
    assert "Custom::EmptiedBucket" not in {one["Type"] for one in prod["Resources"].values()}


def test_a_bucket_says_whether_it_goes_with_its_stack(resources: Resources, prod: dict[str, Any]) -> None:
    """Once `removal` is `retain`, no bucket says so: CloudFormation changes their tags before it deletes what
    would have emptied them."""

    def say_so(template: dict[str, Any]) -> list[bool]:
        buckets = [one for one in template["Resources"].values() if one["Type"] == "AWS::S3::Bucket"]
        return [
            naming.REMOVAL_TAG in {tag["Key"] for tag in one["Properties"].get("Tags", ())} for one in buckets
        ]

    assert say_so(resources.template) == [True, True, True]
    assert say_so(prod) == [False, False, False]


def test_a_bucket_has_room_for_all_tags_that_settings_may_give(resources: Resources) -> None:
    """At most 50 (S3 user guide, CostAllocTagging, read 2026-11-30)."""
    ours = max(len(one["Tags"]) for one in resources.of("AWS::S3::Bucket").values())

    assert ours + MOST_TAGS <= 50


def test_a_bucket_takes_nothing_new_between_its_emptying_and_its_deletion(resources: Resources) -> None:
    """Its policy is deleted before it is emptied, which gives it one that refuses new objects."""
    emptied = {id_ for id_, one in resources.template["Resources"].items() if "EmptiedBucket" in one["Type"]}
    policies = [
        one for one in resources.template["Resources"].values() if one["Type"] == "AWS::S3::BucketPolicy"
    ]

    assert {next(iter(emptied & set(one["DependsOn"])), "none") for one in policies} == emptied


def test_buckets_are_emptied_while_their_function_still_reaches_s3(tmp_path: Path) -> None:
    """In a VPC it does by the stack's own endpoints, and CloudFormation waits for its response in S3, too
    (CloudFormation user guide, aws-resource-cfn-customresource, read 2026-11-30). What depends on something
    is deleted before it."""
    made = Resources(synthesize(tmp_path, network=NETWORK))
    gateways = {
        id_ for id_, one in made.of("AWS::EC2::VPCEndpoint").items() if one["ServiceName"].endswith(".s3")
    }

    awaited = [set(made.template["Resources"][one]["DependsOn"]) for one in made.of("Custom::EmptiedBucket")]
    assert (len(gateways), len(awaited)) == (1, 3)
    assert all(gateways <= one for one in awaited)


def test_no_name_of_the_account_is_shared_by_two_regions(
    prod: dict[str, Any], elsewhere: dict[str, Any]
) -> None:
    def names(template: dict[str, Any]) -> set[str]:
        found = set()
        for one in template["Resources"].values():
            value = one.get("Properties", {})
            for key in OF_AN_ACCOUNT.get(one["Type"], ("no name",)):
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                found.add(f"{one['Type']} {value}")
        return found

    assert len(names(prod)) == 2
    assert names(prod) & names(elsewhere) == set()


def test_a_budget_waits_for_its_topic_to_take_its_messages(prod: dict[str, Any]) -> None:
    (budget,) = (one for one in prod["Resources"].values() if one["Type"] == "AWS::Budgets::Budget")
    policies = {id_ for id_, one in prod["Resources"].items() if one["Type"] == "AWS::SNS::TopicPolicy"}

    assert policies & set(budget["DependsOn"])


@pytest.mark.parametrize(
    "settings",
    [
        {"graders": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:grader-of-team-{n:02}" for n in range(40)]},
        {"notify": {"everybody": [f"somebody.{n:03}@example.com" for n in range(120)]}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_that_a_functions_environment_cannot_hold_are_refused_at_once(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match=r"environment has at most 4,096: shorten .*") as refused:
        synthesize(tmp_path, **settings)
    assert next(iter(settings)) in str(refused.value)

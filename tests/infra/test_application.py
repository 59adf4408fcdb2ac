from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import msgspec
import pytest
from aws_cdk import aws_ec2 as ec2

from infra import bundling
from infra.application import add_stack
from infra.endpoints import GATEWAYS, INTERFACES, OUTSIDE
from tests.infra.conftest import ACCOUNT, REGION, Resources, app_of, as_list, empty_bundles, synthesize
from tunedrop.serving import kinds
from tunedrop.stage import Stage
from tunedrop.training import engines


def test_a_stage_with_account_and_region_needs_no_credentials_and_looks_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    app = app_of("dev", tmp_path / "cdk.out", account=ACCOUNT, region=REGION)
    add_stack(app, empty_bundles(tmp_path))

    app.synth()

    manifest = json.loads((tmp_path / "cdk.out" / "manifest.json").read_text())
    assert "missing" not in manifest
    assert manifest["artifacts"]["Tunedrop"]["environment"] == f"aws://{ACCOUNT}/{REGION}"


def test_a_stage_without_account_takes_that_of_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", "444455556666")
    monkeypatch.setenv("CDK_DEFAULT_REGION", "us-east-1")
    app = app_of("dev", tmp_path / "cdk.out")

    stack = add_stack(app, empty_bundles(tmp_path))

    assert (stack.account, stack.region) == ("444455556666", "us-east-1")


def test_the_command_line_finds_the_stage_in_a_parameter(resources: Resources) -> None:
    (parameter,) = resources.of("AWS::SSM::Parameter").values()
    parts = [part if isinstance(part, str) else "x" for part in parameter["Value"]["Fn::Join"][1]]

    assert parameter["Name"] == "/tunedrop/dev/stage"
    assert msgspec.json.decode("".join(parts), type=Stage).name == "dev"


def test_the_outputs_name_what_people_use(resources: Resources) -> None:
    assert set(resources.template["Outputs"]) == {
        "IntakeBucket", "ArtifactsBucket", "TopicArn", "StateMachineArn", "KeyArn", "RegistryTable",
        "IndexPage", "Dashboard", "Executions",
    }  # fmt: skip
    assert all(one["Description"] for one in resources.template["Outputs"].values())


def test_a_network_an_own_key_and_tags_reach_what_is_deployed(tmp_path: Path) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    network = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}

    made = Resources(synthesize(tmp_path, kms_key=key, network=network, tags={"cost-centre": "4711"}))

    assert not made.has("AWS::KMS::Key")
    joined = [one.get("VpcConfig") for one in made.of("AWS::Lambda::Function").values()]
    expected = {"SubnetIds": network["subnets"], "SecurityGroupIds": network["security_groups"]}
    assert [one for one in joined if one is not None] == [expected] * len(joined)
    for topic in made.of("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == key
        assert {"Key": "cost-centre", "Value": "4711"} in topic["Tags"]


def test_buckets_of_ones_own_are_used_as_they_are_and_never_emptied(tmp_path: Path) -> None:
    made = Resources(
        synthesize(tmp_path, intake_bucket="company-uploads", artifacts_bucket="company-results")
    )

    assert not made.has("AWS::S3::Bucket")
    assert not made.has("AWS::S3::BucketPolicy")
    assert not made.has("Custom::EmptiedBucket")
    patterns = json.dumps([rule["EventPattern"] for rule in made.of("AWS::Events::Rule").values()
                           if "EventPattern" in rule])  # fmt: skip
    assert "company-uploads" in patterns
    resources = json.dumps([statement["Resource"] for _, statement in made.statements()])
    assert ":s3:::company-results/runs/*" in resources
    (parameter,) = made.of("AWS::SSM::Parameter").values()
    assert '\\"intake_bucket\\":\\"company-uploads\\"' in json.dumps(parameter["Value"])


def test_one_bucket_of_ones_own_leaves_the_other_new(tmp_path: Path) -> None:
    made = Resources(synthesize(tmp_path, intake_bucket="company-uploads"))

    emptied = {json.dumps(one["BucketName"]) for one in made.of("Custom::EmptiedBucket").values()}
    assert len(made.of("AWS::S3::Bucket")) == len(emptied) == 2
    assert "company-uploads" not in emptied


def test_endpoints_have_the_names_that_aws_gives_them(tmp_path: Path) -> None:
    """CDK's constants are the witness: each ends with the name of the service's endpoint."""
    network = {
        "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"],
        "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": ["rtb-0123456789abcdef0"]},
    }  # fmt: skip
    made = Resources(synthesize(tmp_path, network=network)).of("AWS::EC2::VPCEndpoint").values()

    found = {one["ServiceName"].removeprefix(f"com.amazonaws.{REGION}.") for one in made}
    by_cdk = {
        re.sub(r"\$\{Token\[[^]]*\]\}\.?", "", value.name)
        for name, value in inspect.getmembers(ec2.InterfaceVpcEndpointAwsService)
        if name.isupper()
    }
    assert found - {"s3", "dynamodb"} <= by_cdk
    for one in made:
        is_gateway = one["ServiceName"].endswith((".s3", ".dynamodb"))
        place = {"RouteTableIds": ["rtb-0123456789abcdef0"]} if is_gateway else {
            "SubnetIds": network["subnets"], "SecurityGroupIds": network["security_groups"],
            "PrivateDnsEnabled": True,  # the functions call the service's public name
        }  # fmt: skip
        assert one == {
            "ServiceName": one["ServiceName"],
            "VpcEndpointType": "Gateway" if is_gateway else "Interface",
            "VpcId": "vpc-0123456789abcdef0",
            "Tags": one["Tags"],
            **place,
        }
    theirs = {one.service for one in engines.every()}
    theirs |= {client for one in kinds.every() for client in one.endpoints}
    assert set(bundling.services()) == {*GATEWAYS, *INTERFACES, *OUTSIDE, *theirs}


@pytest.mark.parametrize(
    ("engine", "services"),
    [
        ("bedrock", set()),
        ("mantle", {"bedrock-mantle"}),
        ("sagemaker-serverless", {"sagemaker.api", "monitoring"}),
        ("sagemaker-jumpstart", {"sagemaker.api", "monitoring"}),
    ],
)
def test_a_closed_network_reaches_the_service_of_each_engine(
    tmp_path: Path, engine: str, services: set[str]
) -> None:
    network = {
        "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"],
        "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": ["rtb-0123456789abcdef0"]},
    }  # fmt: skip
    there = {} if engine != "mantle" else {"region": "us-west-2", "default_base_model": "openai.gpt-oss-20b"}
    engines = list(dict.fromkeys(["bedrock", engine]))
    made = Resources(synthesize(tmp_path, network=network, engines=engines, **there))

    names = {one["ServiceName"] for one in made.of("AWS::EC2::VPCEndpoint").values()}
    found = {name.partition(f"{there.get('region', REGION)}.")[2] for name in names}
    assert found & {"bedrock-mantle", "sagemaker.api", "monitoring"} == services


def test_only_the_emptying_of_buckets_is_there_for_cloudformations_sake(resources: Resources) -> None:
    custom = [
        one["Type"] for one in resources.template["Resources"].values() if one["Type"].startswith("Custom::")
    ]

    assert custom == ["Custom::EmptiedBucket"] * 3


def test_a_retained_stage_keeps_what_holds_data(tmp_path: Path) -> None:
    prod = synthesize(tmp_path, "prod")
    kept = {one["Type"] for one in prod["Resources"].values() if one.get("DeletionPolicy") == "Retain"}

    assert kept == {"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key"}


def test_settings_reach_what_they_set(tmp_path: Path) -> None:
    changed = Resources(
        synthesize(
            tmp_path,
            notification_emails=["a@example.com", "a@example.com"],
            notify={"support": ["a@example.com", "b@example.com", "b@example.com"], "law": ["b@example.com"]},
            data_buckets=["team-data"],
            data_bucket_keys=[f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"],
            cost_budget=True,
            resume_minutes=2,
        )
    )

    mails = [one for one in changed.of("AWS::SNS::Subscription").values() if one["Protocol"] == "email"]
    assert len(mails) == 2, "an address has one subscription, however often it is named"
    assert {one["Endpoint"]: one.get("FilterPolicy") for one in mails} == {
        "a@example.com": None,
        "b@example.com": {"notify": ["b@example.com", "support", "law"]},
    }
    (budget,) = changed.of("AWS::Budgets::Budget").values()
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:tunedrop:stage$dev"], "Region": [REGION]}
    readers = {
        policy
        for policy, one in changed.statements()
        if "arn:aws:s3:::team-data/*" in as_list(one["Resource"])
    }
    assert len(readers) == 4  # register_run, validate_data, its shards, and the sweep, which re-tunes
    schedules = {rule.get("ScheduleExpression") for rule in changed.of("AWS::Events::Rule").values()}
    assert schedules == {None, "rate(2 minutes)", "rate(5 minutes)", "rate(1 day)"}  # prices, daily


def test_every_alarm_notifies_the_topic(resources: Resources) -> None:
    alarms = resources.of("AWS::CloudWatch::Alarm")
    (topic,) = resources.of("AWS::SNS::Topic")

    metrics = {alarm["MetricName"] for alarm in alarms.values()}
    assert metrics == {
        "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled", "Errors", "Throttles",
        "ApproximateNumberOfMessagesVisible", "ExpiredThroughput", "FailingSubjects",
    }  # fmt: skip
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms.values())
    assert len(alarms) <= 10  # as many are free of charge

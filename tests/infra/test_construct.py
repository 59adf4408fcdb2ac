"""The pipeline as a part of other CDK apps."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from infra import Settings, SettingsError, Tunedrop
from infra.bundling import ROOT, Bundles
from tests.infra.conftest import ACCOUNT, REGION, Resources, app_in, as_list, empty_bundles

HERE = Environment(account=ACCOUNT, region=REGION)
EXAMPLE = ROOT / "examples" / "cdk-app" / "app.py"


@pytest.fixture
def app(tmp_path: Path) -> App:
    return app_in(tmp_path / "cdk.out")


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    return empty_bundles(tmp_path)


def settings(name: str = "team", **changes: Any) -> Settings:
    least = {"default_base_model": "amazon.nova-lite-v1:0:300k", "budget_usd": 50, "monthly_budget_usd": 500}
    return Settings(name=name, **{**least, **changes})


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The example app, synthesized."""
    spec = importlib.util.spec_from_file_location("cdk_app", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("example")
    app = app_in(folder / "cdk.out")
    module.ModelFactory(app, "ModelFactory", env=HERE, bundles=empty_bundles(folder))
    return Resources(app.synth().stacks[0].template)


def test_two_pipelines_live_in_one_stack(example: Resources) -> None:
    names = {one["StateMachineName"] for one in example.of("AWS::StepFunctions::StateMachine").values()}
    parameters = {one["Name"] for one in example.of("AWS::SSM::Parameter").values()}

    assert names == {"tunedrop-support", "tunedrop-search"}
    assert parameters == {"/tunedrop/support/stage", "/tunedrop/search/stage"}


def test_two_pipelines_may_share_a_key(example: Resources) -> None:
    assert len(example.of("AWS::KMS::Key")) == 1


def test_settings_need_no_more_than_a_name_a_model_and_two_budgets(app: App, bundles: Bundles) -> None:
    Tunedrop(Stack(app, "Any", env=HERE), "Tuning", settings=settings(), bundles=bundles)

    kept = {one["DeletionPolicy"] for one in _of(app, "AWS::S3::Bucket")}
    assert kept == {"Retain"}


def test_an_application_may_ask_models_and_read_its_own_alias(example: Resources) -> None:
    (role,) = [name for name in example.of("AWS::IAM::Role") if name.startswith("Answering")]
    allowed = _allowed(example, role)

    assert allowed["ssm:GetParameter"] == [
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/support/models/persona"
    ]
    assert set(allowed["bedrock:InvokeModel"]) == {
        f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{kind}/*"
        for kind in ("custom-model-deployment", "provisioned-model")
    }


def test_an_application_may_use_the_key_that_its_models_are_under(example: Resources) -> None:
    """Without it Bedrock refuses what a tuned model is asked (Nova user guide, customize-fine-tune-encrypt,
    PermissionsModelInvocation, read 2026-11-29)."""
    (role,) = [name for name in example.of("AWS::IAM::Role") if name.startswith("Answering")]
    statements = [
        statement
        for policy in example.of("AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:Decrypt" in as_list(statement["Action"])
    ]

    (of_the_key,) = statements
    assert set(as_list(of_the_key["Action"])) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert of_the_key["Condition"] == {"StringEquals": {"kms:ViaService": f"bedrock.{REGION}.amazonaws.com"}}


def test_who_may_submit_may_put_where_runs_begin_and_nowhere_else(example: Resources) -> None:
    (role,) = [name for name in example.of("AWS::IAM::Role") if name.startswith("Uploads")]

    where = [str(one["Fn::Join"][1][-1]) for one in _allowed(example, role)["s3:PutObject"]]

    assert where == ["/drop/*", "/runs/*"]


def test_an_app_hears_of_the_runs_it_asks_for(example: Resources) -> None:
    patterns = [
        one["EventPattern"] for one in example.of("AWS::Events::Rule").values() if "EventPattern" in one
    ]

    assert {
        "source": ["tunedrop"],
        "detail-type": ["Tunedrop Run Ended"],
        "detail": {"stage": ["support"], "outcome": ["promoted"]},
    } in patterns


def test_an_app_receives_events_of_runs_on_the_bus_of_its_stage(app: App, bundles: Bundles) -> None:
    stack = Stack(app, "Any", env=HERE)
    tuning = Tunedrop(stack, "Tuning", settings=settings(event_bus="models"), bundles=bundles)

    tuning.on_run_ended("OnAny", targets.SqsQueue(sqs.Queue(stack, "Told", enforce_ssl=True)))

    buses = [one["Properties"].get("EventBusName") for one in _of(app, "AWS::Events::Rule")]
    assert buses.count("models") == 1


def test_a_key_of_the_apps_own_encrypts_everything(app: App, bundles: Bundles) -> None:
    stack = Stack(app, "Any", env=HERE)
    Tunedrop(stack, "Tuning", settings=settings(), bundles=bundles, key=kms.Key(stack, "Ours"))

    (key,) = _ids(app, "AWS::KMS::Key")
    (topic,) = [one["Properties"] for one in _of(app, "AWS::SNS::Topic")]
    assert key.startswith("Ours")
    assert key in str(topic["KmsMasterKeyId"])


@pytest.mark.parametrize("names", [("team",), ("team", "other")])
def test_services_may_use_a_key_of_the_apps_own_however_many_share_it(
    app: App, bundles: Bundles, names: tuple[str, ...]
) -> None:
    stack = Stack(app, "Any", env=HERE)
    key = kms.Key(stack, "Ours")
    for name in names:
        Tunedrop(stack, name, settings=settings(name), bundles=bundles, key=key)

    (made,) = _of(app, "AWS::KMS::Key")
    sids = [one.get("Sid") for one in made["Properties"]["KeyPolicy"]["Statement"]]
    assert sids.count("ServeCustomModels") == sids.count("PublishCloudwatch") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Support Team"}, r"^Any/Tuning: settings\.name: expected a name of at most 12 lower-case"),
        ({"budget_usd": "fifty"}, r"^Any/Tuning: settings\.budget_usd: expected a number, got a string"),
        ({"budget_usd": 600}, r"^Any/Tuning: settings\.budget_usd .* more than monthly_budget_usd"),
        ({"removal": "delete"}, r"^Any/Tuning: settings\.removal: "),
        ({"default_base_model": "gpt"}, r"^Any/Tuning: settings\.default_base_model: .*not in the catalog"),
    ],
)
def test_wrong_settings_are_refused_with_the_constructs_path(
    app: App, bundles: Bundles, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        Tunedrop(Stack(app, "Any"), "Tuning", settings=settings(**changes), bundles=bundles)


def test_a_second_pipeline_of_the_same_name_is_refused(app: App, bundles: Bundles) -> None:
    Tunedrop(Stack(app, "One", env=HERE), "Tuning", settings=settings(), bundles=bundles)

    with pytest.raises(SettingsError, match=r"^Two/Tuning: .*One/Tuning is named 'team' too"):
        Tunedrop(Stack(app, "Two", env=HERE), "Tuning", settings=settings(), bundles=bundles)


def test_the_same_name_in_another_region_is_another_pipeline(app: App, bundles: Bundles) -> None:
    Tunedrop(Stack(app, "East", env=HERE), "Tuning", settings=settings(), bundles=bundles)
    west = Stack(app, "West", env=Environment(account=ACCOUNT, region="us-west-2"))

    there = settings(default_base_model="qwen.qwen3-32b", engines=("sagemaker-serverless",))
    Tunedrop(west, "Tuning", settings=there, bundles=bundles)

    assert len(app.synth().stacks) == 2


def test_a_stack_in_a_region_without_the_base_model_is_refused(app: App, bundles: Bundles) -> None:
    """The Region may be that of the CDK CLI's credentials: no setting says it."""
    west = Stack(app, "West", env=Environment(account=ACCOUNT, region="us-west-2"))

    with pytest.raises(SettingsError, match=r"^West/Tuning: settings\.region: amazon\.nova-lite\S+ is cust"):
        Tunedrop(west, "Tuning", settings=settings(), bundles=bundles)


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_a_stack_in_another_partition_is_refused(app: App, bundles: Bundles, region: str) -> None:
    """Where ARNs begin otherwise (botocore's partitions), nothing of the catalog is tuned."""
    assert botocore.session.get_session().get_partition_for_region(region) != "aws"
    there = Stack(app, "There", env=Environment(account=ACCOUNT, region=region))

    with pytest.raises(SettingsError, match=rf"^There/Tuning: settings\.region: .*not in {region}$"):
        Tunedrop(there, "Tuning", settings=settings(), bundles=bundles)


@pytest.mark.parametrize("known", [{}, {"account": ACCOUNT}], ids=["nothing", "account"])
def test_a_stack_without_a_region_is_refused(app: App, bundles: Bundles, known: dict[str, str]) -> None:
    """It could be deployed into any partition; CDK itself refuses it for the keys of the tables' replicas."""
    with pytest.raises(SettingsError, match=r"^Any/Tuning: its stack has no Region"):
        Tunedrop(Stack(app, "Any", env=Environment(**known)), "Tuning", settings=settings(), bundles=bundles)


def _resources(app: App) -> dict[str, dict[str, Any]]:
    resources: dict[str, dict[str, Any]] = app.synth().stacks[0].template["Resources"]
    return resources


def _of(app: App, type_: str) -> list[dict[str, Any]]:
    return [one for one in _resources(app).values() if one["Type"] == type_]


def _ids(app: App, type_: str) -> list[str]:
    return [id_ for id_, one in _resources(app).items() if one["Type"] == type_]


def _allowed(template: Resources, role: str) -> dict[str, list[Any]]:
    """A role's resources by action."""
    found: dict[str, list[Any]] = {}
    for policy in template.of("AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in as_list(statement["Action"]):
                    found.setdefault(action, []).extend(as_list(statement["Resource"]))
    return found

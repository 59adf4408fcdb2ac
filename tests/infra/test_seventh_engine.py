"""An engine of a service of its own, whose models are served in a way of its own, is one folder, one file and
entries in the catalog: what it needs is deployed with the stages that use it.

What such an engine does in a run is in `tests/unit/training/test_sixth_engine.py`, and what such a way does
in `tests/unit/serving/test_fifth_kind.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam

from infra import bundling
from infra.pipeline import Tunedrop
from infra.settings import Settings
from tests import builders
from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list, empty_bundles, synthesize
from tests.infra.test_attackers import Call, functions_policies, is_allowed
from tunedrop import catalog
from tunedrop.catalog._engine import Engine
from tunedrop.serving import kinds
from tunedrop.training import engines

ENGINE = """
from tests.unit.training.test_sixth_engine import FOLDER
from tunedrop.aws.permission import Permission
from tunedrop.training.engine import JobEvent, JobRole

exec(FOLDER.replace("Sixth", "Seventh").replace("sixth", "seventh"))


class WithItsOwn(Seventh):
    endpoint = "seventh-api"
    role = JobRole(
        service="seventh",
        jobs="seventh-job",
        permissions=(Permission(sid="Borrow", actions=("seventh:Borrow",), resources=("*",)),),
    )
    event = JobEvent("aws.seventh", "Seventh Job State Change")
    permissions = {
        "start_customization": (
            Permission(
                sid="Tune", actions=("seventh:Tune",),
                resources=("arn:aws:seventh:{region}:{account}:job/{stage}-*",),
            ),
            Permission(
                sid="PassSeventhRole", actions=("iam:PassRole",), resources=("{training_role}",),
                conditions={"StringEquals": {"iam:PassedToService": "seventh.amazonaws.com"}},
            ),
        )
    }


ENGINE = WithItsOwn()
"""

KIND = """
from tests.unit.serving.test_fifth_kind import MODULE
from tunedrop.aws.permission import Permission

exec(MODULE.replace("Fifth", "Seventh").replace("fifth", "seventh"))

ASK = Permission(sid="AskSeventh", actions=("seventh:Ask",), resources=("*",))


class WithItsOwn(Seventh):
    permissions = {"evaluate_model": (ASK,)}
    applications = (ASK,)


KIND = WithItsOwn()
"""

NETWORK = {
    "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"],
    "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": ["rtb-0123456789abcdef0"]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def seventh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine and the way beside the others, and the base model that has both."""
    nova = catalog.find(builders.NOVA_LITE)
    serving = msgspec.structs.replace(nova.serving, ways=("seventh",))
    base = msgspec.structs.replace(
        nova, id="acme.seventh-1b", family="seventh", engine="seventh", serving=serving
    )
    monkeypatch.setitem(catalog.load(), base.id, base)
    monkeypatch.setitem(catalog.engines(), "seventh", Engine(title="the seventh engine"))
    for package, body in ((engines, ENGINE), (kinds, KIND)):
        folder = tmp_path / package.__name__ / "seventh"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(body)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder.parent)])
        package.every.cache_clear()
    yield
    for package in (engines, kinds):
        package.every.cache_clear()
        sys.modules.pop(f"{package.__name__}.seventh", None)


def test_the_functions_get_its_permissions_and_a_closed_network_its_endpoint(tmp_path: Path) -> None:
    template = Resources(synthesize(tmp_path, engines=["bedrock", "seventh"], network=NETWORK))

    policies = functions_policies(template)
    tune = Call("seventh:Tune", f"arn:aws:seventh:{REGION}:{ACCOUNT}:job/dev-a")
    assert {one for one in policies if is_allowed(policies, one, tune)} == {"StartCustomization"}
    assert {one for one in policies if is_allowed(policies, one, Call("seventh:Ask", "*"))} == {
        "EvaluateModel"
    }
    endpoints = {one["ServiceName"] for one in template.of("AWS::EC2::VPCEndpoint").values()}
    assert f"com.amazonaws.{REGION}.seventh-api" in endpoints


def test_its_service_may_use_the_data_of_its_jobs_by_a_role_of_their_own(tmp_path: Path) -> None:
    template = Resources(synthesize(tmp_path, engines=["bedrock", "seventh", "sagemaker-serverless"]))

    (its,) = (id_ for id_ in template.of("AWS::IAM::Role") if id_.startswith("TrainingSeventh"))
    (trust,) = template.of("AWS::IAM::Role")[its]["AssumeRolePolicyDocument"]["Statement"]
    jobs = f"arn:aws:seventh:{REGION}:{ACCOUNT}:seventh-job/*"
    assert trust["Principal"] == {"Service": "seventh.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": jobs},
    }  # fmt: skip
    granted = {one["Sid"] for policy, one in template.statements() if policy.startswith("TrainingSeventh")}
    assert granted == {"ReadDatasets", "WriteTraining", "FindBucket", "DataThroughS3", "Borrow"}
    passed = {
        policy
        for policy, one in template.statements()
        if one["Action"] == "iam:PassRole" and its in str(one["Resource"])
    }
    assert [one.startswith("FunctionsStartCustomization") for one in passed] == [True]
    (described,) = (
        one["Value"] for one in template.of("AWS::SSM::Parameter").values() if its in str(one["Value"])
    )
    assert '"training_role_arns":{"seventh":"' in str(described).replace("\\", "")


def test_the_event_of_its_jobs_resumes_runs(tmp_path: Path) -> None:
    template = Resources(synthesize(tmp_path, engines=["bedrock", "seventh"]))

    (rule,) = (
        one for one in template.of("AWS::Events::Rule").values()
        if "aws.seventh" in one.get("EventPattern", {}).get("source", ())
    )  # fmt: skip
    assert "Seventh Job State Change" in rule["EventPattern"]["detail-type"]
    assert "FunctionsResumeWaits" in str(rule["Targets"])


def test_a_stage_without_it_gets_none_of_it(tmp_path: Path) -> None:
    assert "seventh" not in str(synthesize(tmp_path, network=NETWORK))


def test_an_application_may_ask_its_models(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "cdk.out"))
    stack = Stack(app, "Any", env=Environment(account=ACCOUNT, region=REGION))
    settings = Settings(
        name="any", default_base_model=builders.NOVA_LITE, budget_usd=1, monthly_budget_usd=1,
        engines=("bedrock", "seventh"),
    )  # fmt: skip
    tuning = Tunedrop(stack, "Tuning", settings=settings, bundles=empty_bundles(tmp_path))
    tuning.grant_ask_models(iam.Role(stack, "Asking", assumed_by=iam.AccountRootPrincipal()))

    statements: list[Any] = [
        statement
        for _, statement in Resources(app.synth().stacks[0].template).statements()
        if "seventh:Ask" in as_list(statement["Action"])
    ]
    assert len(statements) == 2  # the evaluation's, and the application's


def test_its_service_is_bundled_with_the_functions() -> None:
    assert "seventh" in bundling.services()

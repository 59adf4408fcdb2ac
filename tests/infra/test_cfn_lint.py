"""The templates against CloudFormation's own schemas and limits, in every Region that a stage can be in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from infra.diagram import definition_of
from infra.settings.contradictions import LONGEST_TAGS
from infra.settings.stage import MOST_TAGS
from tests.infra.conftest import synthesize
from tests.infra.test_authorization import ENGINES
from tunedrop import catalog
from tunedrop.naming import MAX_STAGE

REGIONS = sorted({region for model in catalog.load().values() for region in model.regions})

EXPLAINED = {"W3005": "CDK writes a dependency beside the reference that implies it"}
"""Findings that are not true, by rule, and why."""


NETWORK = {
    "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"],
    "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": ["rtb-0123456789abcdef0"]},
}  # fmt: skip

LONGEST = "m" * MAX_STAGE
WIDEST: dict[str, Any] = {
    "engines": ENGINES,
    "mlflow": {"tracking_uri": "https://mlflow.example.com", "header_parameter": "/mlflow/header"},
    "teams": {
        "team": "00000000-0000-0000-0000-000000000000", "tenant": "00000000-0000-0000-0000-000000000000",
        "channel": "19%3Aabc%40thread.tacv2",
    },
    "notify": {"law": [f"{number}@example.com" for number in range(40)]},
}  # fmt: skip
"""All that makes names longer and resources more."""


@pytest.fixture(scope="module", params=["dev", "prod", "localopen", LONGEST])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    slack = {"workspace": "T0123456789", "channel": "C0123456789"}
    widest = WIDEST if request.param == LONGEST else {}
    return synthesize(folder, request.param, cost_budget=True, slack=slack, network=NETWORK, **widest)


def test_cloudformation_would_take_the_template_in_every_region(template: dict[str, Any]) -> None:
    found = lint(json.dumps(template), config=ManualArgs(regions=REGIONS))

    assert [str(one) for one in found if one.rule.id not in EXPLAINED] == []


def test_the_template_and_its_workflow_are_half_as_large_as_they_may_be(template: dict[str, Any]) -> None:
    """A template has 1 MB (CloudFormation user guide, cloudformation-limits), a definition what the API's
    model says."""
    stepfunctions = botocore.session.get_session().get_service_model("stepfunctions")
    longest = int(stepfunctions.shape_for("Definition").metadata["max"])

    assert len(json.dumps(template)) < 1_000_000 / 2
    assert len(json.dumps(definition_of(template))) < longest / 2


def test_the_longest_tags_that_settings_take_fit_the_template(tmp_path: Path) -> None:
    """The file is what CloudFormation gets, and has at most 1 MB (user guide, cloudformation-limits)."""
    length = LONGEST_TAGS // MOST_TAGS - len("00")
    tags = {f"{number:02}": "v" * length for number in range(MOST_TAGS)}

    synthesize(tmp_path, LONGEST, cost_budget=True, network=NETWORK, tags=tags, **WIDEST)

    (template,) = (tmp_path / "cdk.out").glob("*.template.json")
    assert template.stat().st_size < 1_000_000


def test_names_and_numbers_over_cloudformations_limits_would_be_found() -> None:
    """So that the first test says that none is over them: lengths of names and texts, 500 resources, 200
    outputs (CloudFormation user guide, cloudformation-limits)."""
    topics = {f"Topic{number}": {"Type": "AWS::SNS::Topic", "Properties": {}} for number in range(501)}
    names: dict[str, tuple[str, dict[str, Any]]] = {
        "Machine": ("AWS::StepFunctions::StateMachine",
                    {"StateMachineName": "m" * 81, "RoleArn": "arn:aws:iam::111122223333:role/x"}),
        "Logs": ("AWS::Logs::LogGroup", {"LogGroupName": "m" * 513}),
        "Function": ("AWS::Lambda::Function",
                     {"FunctionName": "m" * 65, "Role": "arn:aws:iam::111122223333:role/x",
                      "Code": {"S3Bucket": "code", "S3Key": "key"}}),
    }  # fmt: skip
    resources = {id_: {"Type": type_, "Properties": given} for id_, (type_, given) in names.items()}
    outputs = {f"Output{number}": {"Value": "v"} for number in range(201)}

    found = lint(json.dumps({"Resources": topics | resources, "Outputs": outputs}), config=ManualArgs())

    assert {"E3010", "E6010"} <= {one.rule.id for one in found}
    too_long = {one.path[1] for one in found if one.rule.id in ("E3031", "E3033")}
    assert set(names) <= too_long

"""The templates against CloudFormation's own schemas, in every Region that a stage can be in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.infra.conftest import CONTEXT, synthesize
from tunedrop import catalog

REGIONS = sorted({region for model in catalog.load().values() for region in model.regions})

EXPLAINED = {"W3005": "CDK writes a dependency beside the reference that implies it"}
"""Findings that are not true, by rule, and why."""


NETWORK = {
    "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"],
    "endpoints": {"vpc": "vpc-0123456789abcdef0", "route_tables": ["rtb-0123456789abcdef0"]},
}  # fmt: skip

LINTED = ("dev", "prod", "local", "localopen")


@pytest.fixture(scope="module", params=[name for name in CONTEXT["stages"] if name in LINTED])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    slack = {"workspace": "T0123456789", "channel": "C0123456789"}
    return synthesize(folder, request.param, cost_budget=True, slack=slack, network=NETWORK)


def test_cloudformation_would_take_the_template_in_every_region(template: dict[str, Any]) -> None:
    found = lint(json.dumps(template), config=ManualArgs(regions=REGIONS))

    assert [str(one) for one in found if one.rule.id not in EXPLAINED] == []

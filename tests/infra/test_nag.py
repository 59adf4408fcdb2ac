"""cdk-nag's AwsSolutions pack over the stack: every finding is fixed, or explained here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from infra.application import add_stack
from tests.infra.conftest import ACCOUNT, REGION, app_in, app_of, empty_bundles

EXPLAINED = {
    r"L1": "Python 3.13 is one behind the newest: all that we pin has arm64 wheels for it",
    r"IAM5\[Resource::\*\]": "actions that take no resource: listed in test_permissions.WITHOUT_RESOURCE",
    r"IAM5\[Resource::<Intake\w+\.Arn>/\*\]": "people choose the keys that they upload",
    r"IAM5\[Resource::<IntakeArtifacts\w+\.Arn>/runs/\*(/(dataset|training|judging)/\*)?\]": (
        "a prefix for each run"
    ),
    r"IAM5\[Resource::<IntakeArtifacts\w+\.Arn>/runs/\*/(validation|evaluation)\.json\]": (
        "results of each run"
    ),
    r"IAM5\[Resource::<IntakeArtifacts\w+\.Arn>/runs/\*/predictions\.jsonl\]": "the answers of each run",
    r"IAM5\[Resource::<IntakeArtifacts\w+\.Arn>/runs/\*/(report|findings|summary|model-card)\.(html|md)\]": (
        "each run's report, its data's findings, its summary and card"
    ),
    r"IAM5\[Resource::<IntakeArtifacts\w+\.Arn>/shards/\*\]": "where a run's shards write",
    r"IAM5\[Resource::arn:aws:bedrock:\*::foundation-model/\*\]": "the run chooses its base model; an "
    "inference profile calls it in other Regions",
    r"IAM5\[Resource::arn:aws:bedrock:\*::foundation-model/[\w.-]+:\d\]": "a teacher, in the Regions of its "
    "inference profile",
    r"IAM5\[Resource::arn:aws:bedrock:[\w-]+:\d+:[a-z-]+/\*\]": "AWS makes up the ids of what runs create",
    r"IAM5\[Resource::arn:aws:ssm:[\w-]+:\d+:parameter/tunedrop/dev/models/\*\]": "an alias for each name",
    r"IAM5\[Resource::arn:aws:states:[\w-]+:\d+:execution:tunedrop-dev:\*\]": "one execution a run",
    r"IAM5\[Resource::arn:<AWS::Partition>:states:[\w-]+:\d+:execution:\{.*WorkflowMachine.*\}[:/].*\*\]": (
        "one execution a shard; CDK's grant to the workflow"
    ),
    r"IAM5\[Resource::<Functions\w+\.Arn>:\*\]": "CDK's grant to the workflow: all versions of one function",
}
"""Findings by pattern of their id, with the reason why they stay."""


def findings(app: App) -> list[str]:
    """The ids of what the pack finds, without the pack's name, as in `L1`."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match=r"^ValidationFailed"):  # what CDK says while there are findings
        app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    packs: list[dict[str, Any]] = report["pluginReports"]
    (pack,) = [pack for pack in packs if pack["pluginName"] == "AwsSolutions"]
    return [one["ruleName"].removeprefix("AwsSolutions-") for one in pack["violations"]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("nag")
    app = app_of("dev", folder / "cdk.out", account=ACCOUNT, region=REGION)
    add_stack(app, empty_bundles(folder))
    return findings(app)


def test_every_finding_is_explained(found: list[str]) -> None:
    unexplained = [
        finding for finding in found if not any(re.fullmatch(pattern, finding) for pattern in EXPLAINED)
    ]

    assert unexplained == []


def test_every_explanation_is_needed(found: list[str]) -> None:
    idle = [pattern for pattern in EXPLAINED if not any(re.fullmatch(pattern, finding) for finding in found)]

    assert idle == []


def test_the_pack_really_runs(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    s3.Bucket(Stack(app, "Careless"), "Open")

    assert {"S1", "S10"} <= set(findings(app))

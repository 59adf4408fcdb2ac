"""The synthesized stack, made once a test process, without building what the functions run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from infra.application import add_stack
from infra.bundling import ROOT, Bundle, Bundles
from infra.diagram import definition_of

ACCOUNT, REGION = "111122223333", "us-east-1"
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]


class Resources:
    """The resources of a template, to be asked by type."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """Properties by logical id. There is at least one: what is asserted of all of none cannot fail."""
        assert self.has(type_), f"the template has no {type_}"
        return {
            id_: resource.get("Properties", {})
            for id_, resource in self.template["Resources"].items()
            if resource["Type"] == type_
        }

    def has(self, type_: str) -> bool:
        return any(resource["Type"] == type_ for resource in self.template["Resources"].values())

    def policies(self) -> dict[str, dict[str, Any]]:
        """The policies of roles; what is too long for a role's own, CDK puts into a managed one."""
        kinds = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        return {id_: policy for kind in kinds if self.has(kind) for id_, policy in self.of(kind).items()}

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every policy of a role, with the logical id of its policy."""
        for id_, policy in self.policies().items():
            for statement in policy["PolicyDocument"]["Statement"]:
                yield id_, statement


def app_in(folder: Path, context: Mapping[str, Any] | None = None) -> App:
    """An app that writes to a folder, without CDK's own validation of its templates.

    That takes 14 seconds in each process, and its errors fail nothing; cfn-lint has the same rules.
    """
    return App(outdir=str(folder), context=context, builtin_cloud_formation_validation=False)


def app_of(stage: str, folder: Path, **changes: Any) -> App:
    """The app of a stage of `cdk.json`, with settings changed; a stage that it lacks is as `local`."""
    known = CONTEXT["stages"]
    stages = {**known, stage: {**known.get(stage, known["local"]), **changes}}
    return app_in(folder, {**CONTEXT, "stage": stage, "stages": stages})


def empty_bundles(folder: Path) -> Bundles:
    (folder / "empty").mkdir(exist_ok=True)
    nothing = Bundle(folder / "empty", "0" * 64)
    return Bundles(layer=nothing, reading=nothing, scoring=nothing, code=nothing)


def synthesize(folder: Path, stage: str = "dev", **changes: Any) -> dict[str, Any]:
    app = app_of(stage, folder / "cdk.out", **{"account": ACCOUNT, "region": REGION, **changes})
    add_stack(app, empty_bundles(folder))
    template: dict[str, Any] = app.synth().stacks[0].template
    return template


@pytest.fixture(scope="session")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """The dev stage in an account and Region."""
    return Resources(synthesize(tmp_path_factory.mktemp("dev")))


@pytest.fixture(scope="session")
def definition(resources: Resources) -> dict[str, Any]:
    """The definition of the state machine."""
    return definition_of(resources.template)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""The workflows that GitHub runs: commands that the Makefile has, and what stands before a release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    return workflow


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_commands_that_the_makefile_has(path: Path) -> None:
    jobs = read(path)["jobs"].values()
    commands = [step.get("run", "") for job in jobs for step in job.get("steps", ())]
    asked = {target for one in commands for target in re.findall(r"\bmake ([a-z-]+)", one)}

    assert asked <= TARGETS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_called_workflow_is_there_and_may_be_called(path: Path) -> None:
    for job in read(path)["jobs"].values():
        if called := job.get("uses"):
            assert "workflow_call" in read(ROOT / called)["on"]


def test_nothing_is_released_that_another_interpreter_of_step_functions_has_not_run() -> None:
    """A tag that a workflow makes starts no workflow (GitHub docs, GITHUB_TOKEN): it has to be called."""
    jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    called = {name: job.get("uses", "") for name, job in jobs.items()}

    assert {called[one] for one in jobs["release"]["needs"]} == {
        "./.github/workflows/test.yml",
        "./.github/workflows/conformance.yml",
    }
    assert read(ROOT / ".github" / "workflows" / "conformance.yml")["on"]["schedule"]

"""The workflows of GitHub Actions: well formed, with no more rights than they need, and without secrets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools import release_notes

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {
    ("deploy.yml", "id-token"),
    ("docs.yml", "id-token"),
    ("docs.yml", "pages"),
    ("release.yml", "id-token"),
    ("release.yml", "contents"),
}
"""Who may write what: the token that AWS, GitHub Pages or PyPI takes for an identity; pages; the tag."""


def read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(file)
    return document


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in read(file)["jobs"].values() for step in job.get("steps", [])]


def test_they_follow_githubs_own_schema() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    schema = ["--builtin-schema", "vendor.github-workflows"]

    done = subprocess.run([program, *schema, *FILES], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_to_a_commit_with_its_version_beside(file: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", file.read_text())

    assert used
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_only_what_must_write_may(file: Path) -> None:
    workflow = read(file)
    granted = [
        (file.name, scope)
        for job in workflow["jobs"].values()
        for scope, access in job.get("permissions", {}).items()
        if access == "write"
    ]

    assert workflow["permissions"] == {"contents": "read"}
    assert set(granted) <= WRITES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_there_is_no_secret_and_nothing_of_an_event_in_a_shell(file: Path) -> None:
    assert "secrets." not in file.read_text()
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_they_run_is_a_command_of_the_makefile(file: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = [step["run"] for step in steps(file) if "run" in step]

    assert commands
    assert all(one.split()[0] == "make" and one.split()[1] in targets for one in commands), commands


def test_every_stage_of_an_account_can_be_deployed() -> None:
    stages = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]
    workflow = read(ROOT / ".github" / "workflows" / "deploy.yml")

    offered = workflow["on"]["workflow_dispatch"]["inputs"]["stage"]["options"]

    assert set(offered) == {name for name, stage in stages.items() if not stage.get("local")}


def test_credentials_are_short_lived_ones_of_a_role() -> None:
    (credentials,) = [
        step["with"]
        for step in steps(ROOT / ".github" / "workflows" / "deploy.yml")
        if "configure-aws-credentials" in step.get("uses", "")
    ]

    assert credentials == {
        "role-to-assume": "${{ vars.AWS_ROLE_ARN }}",
        "aws-region": "${{ vars.AWS_REGION }}",
    }


def test_every_python_that_is_promised_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = {one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one}

    (tried,) = (
        set(job["strategy"]["matrix"]["python"])
        for job in read(ROOT / ".github" / "workflows" / "test.yml")["jobs"].values()
        if "strategy" in job
    )

    assert tried == promised
    assert project["requires-python"] == f">={min(promised, key=lambda one: int(one.split('.')[1]))}"


def test_the_notes_of_a_release_are_its_section_of_the_changelog() -> None:
    changelog = (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2027-01-01\n\n### Fixed\n\n- it\n\n## 0.1.0\n\n- first\n"
    )

    assert release_notes.notes(changelog, "0.2.0") == "### Fixed\n\n- it"
    with pytest.raises(LookupError, match="nothing of"):
        release_notes.notes(changelog, "0.3.0")

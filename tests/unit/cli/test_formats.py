"""Every command answers programs with one JSON document and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from docs.reference.cli import commands
from tests import builders
from tunedrop.aws import Aws
from tunedrop.cli.app import app
from tunedrop.cli.deployed import Deployed

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "support-persona")
ANSWERS = ["check", EXAMPLE], ["estimate", EXAMPLE], ["explain", "TD030"], ["advise", "--for", "task"]
ON_A_STAGE = (
    ["runs"],
    ["show", "persona"],
    ["models"],
    ["stop", "persona"],
)


def answered(*arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--format", "json"])
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "command", [(path, one) for path, one in commands(typer.main.get_command(app))], ids=lambda one: one[0]
)
def test_every_command_knows_programs(command: tuple[str, Any]) -> None:
    path, one = command

    assert path == "tunedrop schema" or "--format" in {name for option in one.params for name in option.opts}


@pytest.mark.parametrize("arguments", ANSWERS, ids=lambda one: one[0])
def test_an_answer_without_aws_is_a_document(arguments: list[str]) -> None:
    assert answered(*arguments)


@pytest.mark.parametrize("arguments", ON_A_STAGE, ids=lambda one: one[0])
def test_an_answer_of_a_stage_is_a_document(
    aws: Aws, deployed: Deployed, intake: str, arguments: list[str]
) -> None:
    found = answered(*arguments, "--stage", "test", "--region", "us-east-1")

    assert isinstance(found, dict | list)


def test_init_lists_the_files_that_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    assert answered("init", str(folder), "--method", "distillation") == {
        "folder": str(folder),
        "method": "distillation",
        "base_model": "amazon.nova-micro-v1:0:128k",
        "files": [str(folder / "run.yaml"), str(folder / "train.jsonl")],
    }


@pytest.mark.parametrize("name", ["manifest", "event", "check"])
def test_a_schema_is_a_document(name: str) -> None:
    result = CliRunner().invoke(app, ["schema", name])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["$schema"].startswith("https://json-schema.org/")


def test_a_run_that_is_not_there_is_an_error_for_programs(aws: Aws, deployed: Deployed) -> None:
    result = CliRunner().invoke(
        app, ["show", "persna", "--stage", "test", "--region", "us-east-1", "--format", "json"]
    )

    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, result.stdout, error["exit_code"]) == (1, "", 1)
    assert builders.run().name in error["next"]

"""Every command through its real entry point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunedrop.cli.main import app

GOOD = "".join(
    json.dumps({"prompt": f"question {n}", "completion": f"answer {n}"}) + "\n" for n in range(120)
)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text(GOOD)
    return path


def test_a_valid_dataset_exits_with_0(dataset: Path) -> None:
    code, output = run("check", str(dataset), "--base-model", "meta.llama3-1-8b-instruct-v1:0:128k")

    assert code == 0
    assert "valid; method instruction" in output


def test_an_invalid_dataset_exits_with_1_and_names_the_line(dataset: Path) -> None:
    dataset.write_text(GOOD + '{"prompt": "only"}\n')

    code, output = run("check", str(dataset))

    assert code == 1
    assert "train.jsonl:121: error: completion is missing" in output


def test_a_file_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.jsonl"))[0] == 2


def test_programs_get_the_json_that_the_design_fixes(dataset: Path) -> None:
    code, output = run("check", str(dataset), "--format", "json")

    report = json.loads(output)
    assert code == 0
    assert report["valid"] is True
    assert {
        "method",
        "format",
        "records",
        "tokens",
        "error_count",
        "errors",
        "warnings",
        "duplicates",
        "files",
    } <= set(report)


def test_teardown_wants_a_run_or_all() -> None:
    assert run("teardown")[0] == 2


def test_no_command_explains_all_of_them() -> None:
    _, output = run()

    assert all(name in output for name in ("check", "submit", "watch", "approve", "teardown"))

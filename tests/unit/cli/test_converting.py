"""`tunedrop convert`, `explain` and `check --fix`, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunedrop.cli.app import app
from tunedrop.dataset.rules.codes import CODES

ROWS = "question,answer\nWhat is a lien?,A claim on property.\nWhat is a writ?,An order of a court.\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(ROWS)
    return path


def test_a_spreadsheet_becomes_a_dataset(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "train.jsonl"

    result = CliRunner().invoke(app, ["convert", str(rows), "--to", "converse", "--out", str(out)])

    assert result.exit_code == 0
    assert "2 of 2 records" in " ".join(result.stderr.split())
    assert (
        json.loads(out.read_text().splitlines()[1])["messages"][0]["content"][0]["text"] == "What is a writ?"
    )


def test_without_a_file_to_write_it_goes_to_standard_output(rows: Path) -> None:
    result = CliRunner().invoke(app, ["convert", str(rows), "--to", "prompt-completion"])

    assert json.loads(result.stdout.splitlines()[0])["prompt"] == "What is a lien?"


def test_nothing_is_written_if_a_record_cannot_be_converted_unless_it_may_be_skipped(tmp_path: Path) -> None:
    source, out = tmp_path / "mixed.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "a", "completion": "b"}\n{"input": "a passage"}\n')
    command = ["convert", str(source), "--to", "converse", "--out", str(out)]

    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, out.exists()) == (1, False)
    assert "refused: line 2: unlabelled text" in refused.stderr

    skipped = CliRunner().invoke(app, [*command, "--skip"])
    assert (skipped.exit_code, len(out.read_text().splitlines())) == (0, 1)


def test_programs_get_the_report_as_json(rows: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.jsonl")

    result = CliRunner().invoke(
        app, ["convert", str(rows), "--to", "alpaca", "--out", out, "--format", "json"]
    )

    assert json.loads(result.stdout) == {"read": 2, "written": 2, "lost": {}, "refused": {}}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--to", "xml"], "it is one of prompt-completion"),
        (["--to", "text", "--column", "prompt"], "write prompt=NAME"),
    ],
)
def test_a_wrong_call_lists_the_possible_values(rows: Path, arguments: list[str], why: str) -> None:
    result = CliRunner().invoke(app, ["convert", str(rows), *arguments])

    assert result.exit_code == 2
    assert why in " ".join(result.output.split())


@pytest.mark.parametrize("code", CODES)
def test_every_rule_can_be_explained(code: str) -> None:
    result = CliRunner().invoke(app, ["explain", code.lower()])

    assert result.exit_code == 0
    assert all(part in result.output for part in (code, "How to fix:", "Source:"))


def test_a_rule_that_there_is_not_is_a_wrong_call() -> None:
    result = CliRunner().invoke(app, ["explain", "TD029"])

    assert result.exit_code == 2
    assert "there is no rule TD029" in result.output
    assert "tunedrop explain" in result.output


def test_without_a_code_all_rules_are_listed() -> None:
    text = CliRunner().invoke(app, ["explain"])
    document = CliRunner().invoke(app, ["explain", "--format", "json"])

    assert (text.exit_code, document.exit_code) == (0, 0)
    assert [one["code"] for one in json.loads(document.output)] == list(CODES)
    assert all(code in text.output for code in CODES)


def test_the_input_is_never_written_over(rows: Path) -> None:
    result = CliRunner().invoke(app, ["convert", str(rows), "--to", "converse", "--out", str(rows)])

    assert result.exit_code == 2
    assert rows.read_text() == ROWS


def test_a_repair_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    source, out = tmp_path / "data.parquet", tmp_path / "out.jsonl"
    source.write_bytes(b"PAR1....")
    out.write_text("earlier")

    result = CliRunner().invoke(app, ["check", str(source), "--fix", str(out)])

    assert result.exit_code == 1
    assert "Parquet" in result.output
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    assert out.read_text() == "earlier"


def test_a_column_that_is_not_there_is_named_with_those_that_are(rows: Path) -> None:
    result = CliRunner().invoke(app, ["convert", str(rows), "--to", "converse", "--column", "prompt=Frage"])

    assert result.exit_code == 1
    assert "no column 'Frage'; the columns are 'question', 'answer'" in " ".join(result.stderr.split())

"""`tunedrop evaluate`: the verdict for people, for programs, and as a page."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.evaluation.answers import text
from tunedrop.cli.main import main


def answers(folder: Path, prompts: int) -> Path:
    file = folder / "answers.jsonl"
    lines: list[dict[str, Any]] = [
        {
            "prompt": text(random.Random(number)),
            "reference": text(random.Random(-number - 1)),
            "base": "no <b>idea",
        }
        for number in range(prompts)
    ]
    file.write_text("".join(json.dumps({**one, "tuned": one["reference"]}) + "\n" for one in lines))
    return file


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["tunedrop", "evaluate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


def test_the_verdict_is_printed_and_the_report_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, str(answers(tmp_path, 60)), "--format", "json")

    said = json.loads(capsys.readouterr().out)
    assert (code, said["verdict"], said["units"], said["confidence"]) == (0, "promote", 60, 0.95)
    assert said["scores"][0]["low"] > 0.9
    page = Path(said["report"]).read_text()
    assert "promoted" in page
    assert "<b>idea" not in page


def test_the_page_about_evaluation_names_every_key_of_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(answers(tmp_path, 40)), "--format", "json")

    said = json.loads(capsys.readouterr().out)
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text("utf-8")
    table = page.partition("| key of the JSON output |")[2].partition("\n\n")[0]
    cells = "".join(row.split("|")[1] for row in table.splitlines()[2:])
    assert set(re.findall(r"`(\w+)`", cells)) == set(said)


def test_too_few_answers_end_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(answers(tmp_path, 5))) == 1
    assert capsys.readouterr().out.startswith("inconclusive\n")


@pytest.mark.parametrize("content", ["", "no JSON", '{"prompt": "a"}', None])
def test_a_file_that_cannot_be_read_is_not_a_verdict(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.jsonl"
    if content is not None:
        file.write_text(content)

    assert run(monkeypatch, str(file), "--format", "json") == 2
    assert capsys.readouterr().out == ""


def test_a_nonsense_setting_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, str(answers(tmp_path, 5)), "--confidence", "0.5") == 2


def test_half_a_surrogate_pair_stops_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"prompt": "\\ud800", "reference": "\\ud83d\\ude00", "base": "x", "tuned": "\\udfff"}\n')

    assert run(monkeypatch, str(file), "--format", "json") == 1
    assert "😀" in Path(json.loads(capsys.readouterr().out)["report"]).read_text()


def test_a_file_of_another_form_is_named_with_the_form_that_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "answers.csv"
    table.write_text("prompt,base,tuned\n")

    assert run(monkeypatch, str(table)) == 2
    said = capsys.readouterr().err
    assert f"{table}: line 1: not JSON" in said
    assert '"reference"' in said


def test_a_link_in_the_folder_of_the_answers_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "profile"
    profile.write_text("mine")
    given = answers(tmp_path, 60)
    given.with_name("answers.report.html").symlink_to(profile)

    code = run(monkeypatch, str(given))

    assert (code, profile.read_text()) == (2, "mine")
    assert "is a link to" in capsys.readouterr().err

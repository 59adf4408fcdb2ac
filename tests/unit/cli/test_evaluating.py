"""`tunedrop evaluate`: the verdict for people, for programs, and as a page."""

from __future__ import annotations

import json
import random
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


def test_too_few_answers_end_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(answers(tmp_path, 5))) == 1
    assert capsys.readouterr().out.startswith("inconclusive\n")


def test_a_nonsense_setting_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, str(answers(tmp_path, 5)), "--confidence", "0.5") == 2


def test_half_a_surrogate_pair_stops_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"prompt": "\\ud800", "reference": "\\ud83d\\ude00", "base": "x", "tuned": "\\udfff"}\n')

    assert run(monkeypatch, str(file), "--format", "json") == 1
    assert "😀" in Path(json.loads(capsys.readouterr().out)["report"]).read_text()

"""The page of findings, of a run and of `tunedrop check --format html`."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from tunedrop.cli.app import app

MARKUP = "<script>alert(1)</script>"


def page(folder: Path, *records: dict[str, str]) -> str:
    path = folder / "train.jsonl"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records))
    return CliRunner().invoke(app, ["check", str(path), "--format", "html"]).stdout


def test_every_listed_finding_is_on_the_page_with_its_record(tmp_path: Path) -> None:
    broken = [{"prompt": f"Question {number}?", "completion": ""} for number in range(12)]

    found = page(tmp_path, {"prompt": "One?", "completion": "1"}, *broken)

    assert all(f"<b>train.jsonl:{line}</b>" in found for line in range(2, 14))
    assert found.count("Show the record") >= 12


def test_no_text_of_a_record_is_markup(tmp_path: Path) -> None:
    found = page(tmp_path, {"prompt": MARKUP, "completion": ""}, {"prompt": "\u202eabc", "completion": ""})

    assert MARKUP not in found
    assert "&lt;script&gt;alert(1)" in found
    assert '<span class="unseen">U+202E</span>' in found
    assert "default-src &#39;none&#39;" in found


def test_findings_beyond_the_listed_ones_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"prompt": "", "completion": ""}\n' * 30)

    found = CliRunner().invoke(app, ["check", str(path), "--format", "html", "--max-errors", "3"]).stdout

    assert "more are not listed: --max-errors lists more" in found

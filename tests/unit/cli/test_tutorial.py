"""What the tutorial says that a command prints is what it prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunedrop.cli.app import app

ROOT = Path(__file__).parents[3]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
LINE = '{"messages": [{"role": "user", "content": "And in winter?"}]}\n'


def shown_after(command: str) -> list[str]:
    """The lines of the text block that follows a command."""
    found = re.search(rf"{re.escape(command)}[^`]*```\n.*?```text\n(.*?)```", TUTORIAL, flags=re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def alike(line: str) -> str:
    """A line without its columns and numbers: prices and estimates move with their sources."""
    return re.sub(r"[\d.,]*\d", "N", re.sub(r"\s+", " ", line).strip())


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("tunedrop check examples/support-persona", 0),
        ("tunedrop check broken.jsonl --base-model amazon.nova-lite-v1:0:300k", 1),
        ("tunedrop estimate examples/support-persona", 0),
    ],
)
def test_a_command_prints_what_the_tutorial_shows(
    command: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = tmp_path / "examples" / "support-persona"
    shutil.copytree(ROOT / "examples" / "support-persona", example)
    (tmp_path / "broken.jsonl").write_text((example / "train.jsonl").read_text("utf-8") + LINE, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    result = CliRunner().invoke(app, command.split()[1:])

    printed = [alike(one) for one in (result.stdout + result.stderr).splitlines()]
    assert result.exit_code == code
    for line in shown_after(command):
        assert any(one.startswith(alike(line)) for one in printed), line

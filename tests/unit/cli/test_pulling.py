"""`pull`: with a stand-in for the library `datasets`, which is no dependency.

Its `load_dataset` and `to_parquet` are those of datasets 4.0.0 and 5.2.0, tried by hand on a local dataset
whose other split was damaged, 2026-11-29.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import arro3.core
import arro3.io
import pytest
from typer.testing import CliRunner

from tunedrop.cli.app import app

ROWS = {"question": [f"What is {n}?" for n in range(20)], "answer": [f"It is {n}." for n in range(20)]}


class Split:
    def to_parquet(self, path: Path) -> None:
        columns = {
            name: arro3.core.Array(values, arro3.core.DataType.utf8()) for name, values in ROWS.items()
        }
        arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), path)


def library(version: str = "5.2.0", error: Exception | None = None) -> Any:
    asked: list[Any] = []

    def load(
        name: str, config: str | None, revision: str | None, split: str = "", streaming: bool = False
    ) -> Any:
        asked.append((name, config, revision, *((split, streaming) if split else ())))
        if error is not None:
            raise error
        if split and split not in ("train", "test"):
            raise ValueError(f"Bad split: {split}. Available splits: ['train', 'test']")
        return Split() if split else {"train": Split(), "test": Split()}

    return SimpleNamespace(__version__=version, load_dataset=load, asked=asked)


def run(monkeypatch: pytest.MonkeyPatch, found: Any, *arguments: str) -> Any:
    monkeypatch.setitem(sys.modules, "datasets", found)
    return CliRunner().invoke(app, ["pull", *arguments])


def test_each_split_is_a_file_that_check_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    hub = library()

    result = run(monkeypatch, hub, "org/data", "--config", "main", "--revision", "abc")

    assert result.exit_code == 0, result.output
    assert hub.asked == [("org/data", "main", "abc")]
    assert sorted(path.name for path in Path("data").iterdir()) == ["test.parquet", "train.parquet"]
    assert "20 records" in result.output
    checked = CliRunner().invoke(app, ["check", "data"])
    assert "train: read as Parquet" in checked.output


def test_only_the_wanted_split_is_downloaded_into_a_folder_and_never_over_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = ("--split", "test", "--out", str(tmp_path))

    hub = library()

    assert run(monkeypatch, hub, "org/data", *out).exit_code == 0
    assert hub.asked == [("org/data", None, None, "test", True)]
    assert [path.name for path in tmp_path.iterdir()] == ["test.parquet"]
    again = run(monkeypatch, library(), "org/data", *out)
    assert again.exit_code != 0
    assert "already exists" in again.output


@pytest.mark.parametrize(
    ("found", "arguments", "message"),
    [
        (None, ("org/data",), "pip install 'datasets>=4'"),
        (library("3.6.0"), ("org/data",), "got 3.6.0"),
        (
            library(error=ValueError("No config.\nPick one of ['main']")),
            ("org/data",),
            "Pick one",
        ),
        (library(), ("org/data", "--split", "dev"), "Bad split: dev. Available splits: ['train', 'test']"),
        (library(), ("org/..",), "--out DIR"),
        (library(), (".",), "--out DIR"),
    ],
)
def test_problems_are_reported_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Any, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run(monkeypatch, found, *arguments)

    assert result.exit_code != 0
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["taken", "taken/below", "taken/far/below"])
def test_a_file_in_the_way_is_named_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    hub = library()

    result = run(monkeypatch, hub, "org/data", "--out", out)

    assert result.exit_code == 2
    assert "taken is a file, not a folder" in result.output
    assert hub.asked == []

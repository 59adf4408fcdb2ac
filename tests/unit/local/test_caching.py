"""A bundle is unpacked once, and each process of a function finds all of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from local.caching import _UnpackedOnce


def bundle(path: Path, text: str) -> str:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("lambdas/step.py", text)
        file.writestr("tunedrop/__init__.py", "")
    return str(path)


def test_each_process_finds_all_files_and_one_copy_is_kept(tmp_path: Path) -> None:
    for number in range(2):
        with _UnpackedOnce(bundle(tmp_path / "code.zip", "old"), unpacked=tmp_path / "kept") as file:
            (tmp_path / f"code{number}").mkdir()
            file.extractall(str(tmp_path / f"code{number}"))
    with _UnpackedOnce(bundle(tmp_path / "code.zip", "new"), unpacked=tmp_path / "kept") as file:
        (tmp_path / "code2").mkdir()
        file.extractall(str(tmp_path / "code2"))

    texts = [(tmp_path / f"code{number}" / "lambdas" / "step.py").read_text() for number in range(3)]
    assert texts == ["old", "old", "new"]
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert {one.name for one in (tmp_path / "code0").iterdir()} == {"lambdas", "tunedrop"}


def test_names_are_checked_only_before_the_first_unpacking(tmp_path: Path) -> None:
    with _UnpackedOnce(bundle(tmp_path / "code.zip", "old"), unpacked=tmp_path / "kept") as file:
        assert file.namelist() == ["lambdas/step.py", "tunedrop/__init__.py"]
        (tmp_path / "code").mkdir()
        file.extractall(str(tmp_path / "code"))
        assert file.namelist() == []

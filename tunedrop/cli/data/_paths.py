"""Checks that a command's files exist, before anything that reads them is imported."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunedrop.cli.exits import USAGE
from tunedrop.cli.failures import fail


def require_files(paths: Sequence[Path]) -> None:
    """Fail unless each path is a file, listed once."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if not path.is_file():
            fail(*_no_file(path))
        found = path.stat()
        if (found.st_dev, found.st_ino) in seen:
            fail(f"{path} is listed twice", USAGE)
        seen.add((found.st_dev, found.st_ino))


def _no_file(path: Path) -> tuple[str, int, str]:
    """Why there is nothing to check at a path, and what to do."""
    if path.is_dir():
        return f"{path} is a folder", USAGE, "Check one run folder, or pass files"
    if path.is_symlink():
        return f"{path} is a link to {path.readlink()}, which does not exist", USAGE, ""
    if path.exists() or str(path) == "-":
        return f"{path} can be read only once, and a check reads twice", USAGE, "Save it as a file"
    near = difflib.get_close_matches(path.name, (one.name for one in _beside(path)), 1)
    return f"there is no file {path}", USAGE, f"Did you mean {path.with_name(near[0])}?" if near else ""


def _beside(path: Path) -> Iterator[Path]:
    return path.parent.iterdir() if path.parent.is_dir() else iter(())

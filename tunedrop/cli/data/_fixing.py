"""`check --fix`: writes a repaired copy of a file, and lists the repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tunedrop.cli.data._files import copy_of
from tunedrop.cli.exits import NO
from tunedrop.cli.output import errors, fail
from tunedrop.dataset.formats import unreadable
from tunedrop.dataset.sources.opening import open_files
from tunedrop.dataset.tools.decode import NotRepairable
from tunedrop.dataset.tools.repair import repair
from tunedrop.dataset.types import Opened, ReadOptions
from tunedrop.formatting.counts import counted

MAX_ROWS_SHOWN = 100
PLACES = 5
"""Maximum number of places to show per change."""


def fix(file: Path, output: Path, options: ReadOptions, named: Sequence[str] = ()) -> None:
    """Write a repaired copy of a file, and list the repairs on stderr."""
    count = 0
    try:
        with open_files({"train": [file]}, options) as files, copy_of(file, output) as sink:
            opened = files["train"]
            _refuse_unread(opened, file.name)
            if not opened.is_plain:
                count += 1
                errors.print(f"{file.name}: read as {', '.join(opened.containers)}, written as JSON lines")
            times: Counter[str] = Counter()
            for change in repair(opened.source.chunks(0, opened.source.size), sink, named):
                count += 1
                times[change.what] += 1
                if times[change.what] <= PLACES:
                    errors.print(f"{_where(opened, file.name, change.line)}: {change.what}")
            for what, number in times.items():
                if number > PLACES:
                    errors.print(f"{file.name}: {what}: {number:,} times in total")
    except NotRepairable as error:
        fail(f"{file.name}: {error}")
    errors.print(f"{output}: {counted(count, 'change')}")


def _refuse_unread(opened: Opened, name: str) -> None:
    """A repaired copy must be complete: unreadable rows are listed and nothing is written."""
    unread = [
        f"{_where(opened, name, number)}: {problem[1]} [{problem[0]}]"
        for number, problem in unreadable.listed(opened.source)
    ]
    for _, problem in opened.problems:
        errors.print(f"{name}: {problem.message} [{problem.code}]")
    if unread:
        more = f"\n… and {len(unread) - MAX_ROWS_SHOWN:,} more" if len(unread) > MAX_ROWS_SHOWN else ""
        fail("\n".join(unread[:MAX_ROWS_SHOWN]) + more, NO, "Nothing was written: fix these rows first")


def _where(opened: Opened, name: str, line: int) -> str:
    place = opened.place(line)
    return f"{place.name(name)}{f':{place.line}' if place.line else ''}"

"""What commands print: text for people, JSON for programs, errors on stderr; and the exit codes."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

NO = 1
"""The answer is no: an invalid dataset, a failed run, nothing found."""
USAGE = 2
"""The command was used wrongly."""
NO_AWS = 3
"""AWS could not be asked: no credentials, no such stage, no permission."""

console = Console(highlight=False, markup=False)
errors = Console(stderr=True, highlight=False, markup=False)


class Format(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


def fail(message: str, code: int = NO) -> NoReturn:
    """End the program with a message for a person."""
    errors.print(message, style="red")
    raise SystemExit(code)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(*headers: str) -> Table:
    """A table without lines, to which rows are added."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        made.add_column(header)
    return made

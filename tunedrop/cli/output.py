"""What commands print: text for people, JSON for programs, errors on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

from tunedrop.cli.exits import NO

PLAIN_WIDTH = 10_000
"""Columns where nobody looks: a table in a pipe keeps one row a line."""


class Format(StrEnum):
    """How a command answers."""

    text = "text"
    json = "json"


class Failed(Exception):
    """A command ends with a message for a person, what to do next, and an exit code."""

    def __init__(self, message: str, code: int, next_: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.next = next_


class Output(Console):
    """A console that wraps for people and never for programs."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False)

    @property
    def width(self) -> int:
        return super().width if self.is_terminal else PLAIN_WIDTH

    @width.setter
    def width(self, width: int) -> None:
        self._width = width


console = Output()
errors = Output(stderr=True)


def fail(message: str, code: int = NO, next_: str = "") -> NoReturn:
    """End the command. `next_` says what to do about it."""
    raise Failed(message, code, next_)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_failure(failure: Failed, format_: Format) -> None:
    """A failure on stderr, as a sentence or as one JSON object."""
    if format_ is Format.json:
        error = {"message": failure.message, "next": failure.next, "exit_code": failure.code}
        sys.stderr.write(msgspec.json.encode({"error": error}).decode() + "\n")
        return
    errors.print(failure.message, style="red")
    if failure.next:
        errors.print(failure.next)


def asked_for(arguments: Sequence[str]) -> Format:
    """The format that a command line asks for, also where it cannot be parsed."""
    is_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    return Format.json if is_json else Format.text


def table(*headers: str) -> Table:
    """A table without lines, to which rows are added."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        made.add_column(header)
    return made

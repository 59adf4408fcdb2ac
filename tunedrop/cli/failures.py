"""Command failures: a message, the next step and an exit code, as text or JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NoReturn

import typer

from tunedrop import escaping
from tunedrop.cli.exits import INTERRUPTED, NO, NO_AWS
from tunedrop.errors import RunError, TransientError


class Format(StrEnum):
    """Output formats of a command."""

    text = "text"
    json = "json"


class Failed(Exception):
    """A command ends with a message for a person, what to do next, and an exit code."""

    def __init__(self, message: str, code: int, next_: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.next = next_

    def __str__(self) -> str:
        """The message and the next step, for notebooks, which show the traceback."""
        return "\n".join(part for part in (self.message, self.next) if part)


def fail(message: str, code: int = NO, next_: str = "") -> NoReturn:
    """End the command with a message; `next_` is what to do about it."""
    raise Failed(message, code, next_)


def foreseen(error: Exception) -> Failed | None:
    """The message for an error that is not a bug; None for a bug."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, RunError | TransientError):
        return Failed(str(error), NO, "")
    if (failure := _of_aws(error)) is not None:  # first: botocore's network errors are also OSErrors
        return failure
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        return Failed(f"{error.filename}: {reason}" if error.filename else reason, NO, "")
    return None


def _of_aws(error: Exception) -> Failed | None:
    """The message for an error of the AWS SDK, or None. If the SDK is not imported there is no such error."""
    exceptions = sys.modules.get("botocore.exceptions")
    if exceptions is None:
        return None
    from tunedrop.aws import explain
    from tunedrop.aws.hints import hint

    if isinstance(error, exceptions.ClientError | exceptions.BotoCoreError):
        return Failed(explain(error), NO_AWS, hint(error))
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):
        return Failed(str(error), NO_AWS, "Set AWS_ENDPOINT_URL to a URL, or unset it to use AWS")
    return None


def print_failure(failure: Failed, format_: Format) -> None:
    """Print a failure on stderr, as text or as one JSON object. It may quote a file name of anybody."""
    if format_ is Format.json:
        import json

        error = {"message": failure.message, "next": failure.next, "exit_code": failure.code}
        text = json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":"))
        sys.stderr.write(escaping.json(text) + "\n")
        return
    colour = None if os.environ.get("NO_COLOR") else "red"
    if failure.code == INTERRUPTED:
        typer.echo(err=True)  # keep the terminal's ^C on its own line
        colour = None
    typer.secho(escaping.lines(failure.message), fg=colour, err=True)
    if failure.next:
        typer.echo(escaping.lines(failure.next), err=True)


def asked_for(arguments: Sequence[str]) -> Format:
    """The format that a command line asks for, even if the rest cannot be parsed."""
    is_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    return Format.json if is_json else Format.text

"""Ends the program with one message and one exit code, never a stack trace."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NoReturn, cast

import typer
from typer.core import CompletionItem, TyperGroup  # type: ignore[attr-defined]

from tunedrop import escaping
from tunedrop.cli.exits import INTERRUPTED, NO, USAGE
from tunedrop.cli.failures import Failed, Format, asked_for, foreseen, print_failure
from tunedrop.cli.index import INDEX, Commands

UsageError = cast(type[Any], typer.BadParameter.__base__)
"""The base class of typer's usage errors, which typer does not export."""


CONTEXT = {"help_option_names": ["-h", "--help"]}
"""The settings of every command's context."""


class Program(TyperGroup):
    """The top-level command. Its commands are those of `index`, imported on first use."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, Commands())

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """The commands under their headings, in the order of the journey."""
        for heading, names in groupby(INDEX, key=lambda name: INDEX[name].heading):
            with formatter.section(heading):
                formatter.write_dl([(name, INDEX[name].summary) for name in names])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The completions: options of this group, and the names of commands, which are not imported."""
        self.commands = cast(Any, {})
        try:
            options = super().shell_complete(ctx, incomplete)
        finally:
            self.commands = cast(Any, Commands())
        names = [name for name in INDEX if name.startswith(incomplete)]
        return [*(CompletionItem(name, help=INDEX[name].summary) for name in names), *options]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - always ends the process, as standalone does
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        arguments = list(sys.argv[1:] if args is None else args)
        format_ = asked_for(arguments)
        try:
            _refuse_unknown(arguments)
            arguments = _help_of(arguments)
            code = super().main(arguments, prog_name, complete_var, False, windows_expand_args, **extra) or 0
            sys.stdout.flush()
            if code == INTERRUPTED:
                raise KeyboardInterrupt
        except Failed as failure:
            code = _tell(failure, format_)
        except UsageError as error:
            code = _tell_usage(error, format_)
        except (KeyboardInterrupt, typer.Abort):
            code = _tell(Failed("interrupted", INTERRUPTED, ""), format_)
        except Exception as error:
            code = _tell(foreseen(error) or _bug(error), format_)
        sys.exit(code)


def _help_of(arguments: list[str]) -> list[str]:
    """Translate `help` and `help COMMAND` into `--help` and `COMMAND --help`."""
    return [*arguments[1:], "--help"] if arguments[:1] == ["help"] else arguments


def _refuse_unknown(arguments: Sequence[str]) -> None:
    """Refuse a mistyped command before typer imports the modules that parse arguments."""
    name = next(iter(arguments[1:] if arguments[:1] == ["help"] else arguments), "")
    if not name or name.startswith("-") or name in INDEX or "_TUNEDROP_COMPLETE" in os.environ:
        return
    from tunedrop.cli.suggestions import hint

    raise Failed(f"No such command '{name}'.", USAGE, hint(name, INDEX, "See all commands: tunedrop --help"))


def _tell(failure: Failed, format_: Format) -> int:
    print_failure(failure, format_)
    return failure.code


def _bug(error: Exception) -> Failed:
    """An unexpected error: a one-line message, and the stack trace in a file to attach to a report."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="tunedrop-", suffix=".log", delete=False) as log:
        traceback.print_exception(error, file=log)
    summary = f"a bug in tunedrop: {type(error).__name__}: {error}"
    return Failed(summary, NO, f"Please report it with {log.name}")


def _tell_usage(error: Any, format_: Format) -> int:
    asks_for_help = type(error).__name__ == "NoArgsIsHelpError"
    if format_ is Format.json and not asks_for_help:
        return _tell(Failed(error.format_message(), USAGE, ""), format_)
    error.message = escaping.lines(error.message)
    error.show()
    return int(error.exit_code)

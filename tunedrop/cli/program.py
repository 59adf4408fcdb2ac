"""How the program ends, whichever way: one message, one exit code, never a stack trace."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from typer import rich_utils
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from tunedrop.aws import explain
from tunedrop.aws.hints import cure
from tunedrop.cli.exits import INTERRUPTED, NO, NO_AWS, USAGE
from tunedrop.cli.output import Failed, Format, asked_for, errors, print_failure
from tunedrop.errors import RunError, TransientError


class Program(TyperGroup):
    """The top of the command line."""

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
            code = super().main(arguments, prog_name, complete_var, False, windows_expand_args, **extra) or 0
            sys.stdout.flush()
        except Failed as failure:
            code = _tell(failure, format_)
        except ClickException as error:
            code = _tell_usage(error, format_)
        except (ClientError, BotoCoreError) as error:
            code = _tell(Failed(explain(error), NO_AWS, cure(error)), format_)
        except (RunError, TransientError) as error:
            code = _tell(Failed(str(error), NO, ""), format_)
        except OSError as error:
            code = _tell(Failed(f"{error.filename or 'the system'}: {error.strerror}", NO, ""), format_)
        except Exception as error:
            code = _tell(_bug(error), format_)
        if code == INTERRUPTED:
            errors.print("\ninterrupted; what runs in AWS goes on")
        sys.exit(code)


def _tell(failure: Failed, format_: Format) -> int:
    print_failure(failure, format_)
    return failure.code


def _bug(error: Exception) -> Failed:
    """Something that nobody foresaw: a sentence here, the trace in a file for whoever mends it."""
    with tempfile.NamedTemporaryFile("w", prefix="tunedrop-", suffix=".log", delete=False) as log:
        traceback.print_exception(error, file=log)
    summary = f"a bug in tunedrop: {type(error).__name__}: {error}"
    return Failed(summary, NO, f"Please report it with {log.name}")


def _tell_usage(error: ClickException, format_: Format) -> int:
    if format_ is Format.json and not isinstance(error, NoArgsIsHelpError):
        return _tell(Failed(error.format_message(), USAGE, ""), format_)
    rich_utils.rich_format_error(error)
    return error.exit_code
